"""What forecasting networks are trained to lower, against hand calculations."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from strokecast.features.records import reading
from strokecast.inference import networks
from strokecast.params import ForecastRecipe
from strokecast.training import objectives

SPEC = {"horizon": 2, "input_size": 4, "targets": ["y"]}


def a_network(*shape: int, levels: tuple[float, ...] = ()) -> Any:
    """What an objective asks a network."""
    layers = [SimpleNamespace(name="quantiles", levels=levels)] if levels else []
    return SimpleNamespace(layers=layers, output_shape=(None, *shape))


@pytest.mark.parametrize(
    ("loss", "expected"), [("mae", (0.5 + 3) / 2), ("mse", (0.25 + 9) / 2), ("huber", (0.125 + 2.5) / 2)]
)
def test_losses_of_point_forecasts(loss: str, expected: float) -> None:
    objective = objectives.make("forecast", ForecastRecipe(loss=loss), SPEC, a_network(2, 1))
    target, output = np.float32([[[1], [2]]]), np.float32([[[1.5], [-1]]])
    for one in (objective.train_loss, objective.valid_loss):
        np.testing.assert_allclose(one(target, output).numpy(), [expected])
    assert objective.target == ((2, 1), "float32")
    assert (objective.hits, objective.train_target, objective.teacher_forced) == (None, None, None)


@pytest.mark.parametrize("loss", ["mae", "mse"])
def test_pinball_by_hand_whatever_the_recipe_says_of_points(loss: str) -> None:
    network = a_network(2, 1, 3, levels=(0.1, 0.5, 0.9))
    objective = objectives.make("forecast", ForecastRecipe(loss=loss), SPEC, network)
    target = np.float32([[[1.0], [2.0]]])
    output = np.float32([[[[0.0, 1.5, 3.0]], [[2.5, 3.0, 3.5]]]])
    # day 1: 1.0 over the 0.1-quantile, 0.5 under the median, 2.0 under the 0.9-quantile; day 2: 0.5, 1.0, 1.5 under
    day_1 = 0.1 * 1.0 + 0.5 * 0.5 + 0.1 * 2.0
    day_2 = 0.9 * 0.5 + 0.5 * 1.0 + 0.1 * 1.5
    for one in (objective.train_loss, objective.valid_loss):
        np.testing.assert_allclose(one(target, output).numpy(), [(day_1 + day_2) / 6], rtol=1e-6)


@pytest.mark.parametrize("levels", [(), (0.1, 0.5, 0.9)])
def test_the_best_epoch_by_mae_goes_by_point_or_median(levels: tuple[float, ...]) -> None:
    network = a_network(2, 1, *([3] if levels else []), levels=levels)
    recipe = ForecastRecipe(loss="mse", monitor="mae")
    objective = objectives.make("forecast", recipe, SPEC, network)
    target, output = np.float32([[[1.0], [2.0]]]), np.float32([[[1.5], [-1.0]]])
    if levels:
        output = np.stack([output - 5, output, output + 7], axis=-1)
    np.testing.assert_allclose(objective.valid_loss(target, output).numpy(), [(0.5 + 3.0) / 2])
    by_loss = objectives.make("forecast", ForecastRecipe(loss="mse"), SPEC, network)
    np.testing.assert_array_equal(objective.train_loss(target, output), by_loss.train_loss(target, output))


def test_all_targets_count_alike() -> None:
    objective = objectives.make(
        "forecast", ForecastRecipe(loss="mae"), SPEC | {"targets": ["y", "z"]}, a_network(2, 2)
    )
    assert objective.target == ((2, 2), "float32")
    target = np.zeros((1, 2, 2), np.float32)
    for column in (0, 1):
        output = target.copy()
        output[..., column] = 1.0
        np.testing.assert_allclose(objective.train_loss(target, output).numpy(), [0.5])


def test_stepwise_targets_are_the_days_after_each_step() -> None:
    past = np.float32([[[10, -1], [11, -2], [12, -3], [13, -4]]])  # the second channel is a covariate
    target = np.float32([[[14], [15]]])
    targets = reading.stepwise_targets(past, target).numpy()
    assert targets[0, :, :, 0].tolist() == [[11, 12], [12, 13], [13, 14], [14, 15]]
    np.testing.assert_array_equal(targets[:, -1], target)


@pytest.mark.parametrize("levels", [(), (0.5,)])
def test_a_network_of_sequences_learns_from_all_steps_and_is_judged_on_the_last(
    levels: tuple[float, ...],
) -> None:
    network = a_network(4, 2, 1, *([1] if levels else []), levels=levels)
    objective = objectives.make("forecast", ForecastRecipe(loss="mae"), SPEC, network)
    past, target = np.zeros((1, 4, 3), np.float32), np.float32([[[0], [1]]])
    assert objective.train_target is not None
    train_target = objective.train_target({"past": past}, target).numpy()
    output = train_target.copy()
    output[:, 0] += 8.0  # the first step is wrong, the last is right
    share = 0.5 if levels else 1.0  # pinball of the median
    output = output[..., None] if levels else output
    np.testing.assert_allclose(objective.train_loss(train_target, output).numpy(), [share * 8 / 4])
    np.testing.assert_allclose(objective.valid_loss(target, output).numpy(), [0.0])
    output[:, -1] += 1.0
    np.testing.assert_allclose(objective.valid_loss(target, output).numpy(), [share])


def test_the_last_step_of_outputs_of_all_shapes() -> None:
    for shape in ((5, 2, 1), (5, 2, 3, 7)):
        output = np.zeros(shape)
        assert networks.last_step(output, 2) is output
    steps = np.arange(5 * 4 * 2).reshape(5, 4, 2, 1)
    np.testing.assert_array_equal(networks.last_step(steps, 2), steps[:, 3])
    np.testing.assert_array_equal(networks.last_step(steps[..., None], 2), steps[:, 3, ..., None])
