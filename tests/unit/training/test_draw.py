"""Networks that draw, through the engine: their data, their loss, what one training learns."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.features.records import reading, spec
from strokecast.inference import networks, sampling
from strokecast.models.common import registry
from strokecast.models.layers import mixture
from strokecast.models.layers.latent import kl_divergence
from strokecast.params import DrawRecipe
from strokecast.training import augment, data, model_files, objectives, run
from strokecast.training.job import TrainingJob


def draw_recipe(**keys: Any) -> DrawRecipe:
    """A recipe without warm-up and augmentation, unless `keys` switches them on."""
    neutral = {"epochs": 20, "batch_size": 128, "learning_rate": 0.002, "warmup_epochs": 0}
    off = {"intra_op_threads": None, "augment_scale": 0.0}
    return DrawRecipe(**{**neutral, **off, **keys})


RIGHT, LEFT = 0, 1  # the classes of the tiny data: lines to the right, lines to the left


def test_the_target_follows_the_augmented_drawing(processed_data: Path) -> None:
    spec_json = spec.load(processed_data / "draw", "draw")
    change = augment.make("draw", draw_recipe(augment_scale=0.15, augment_drop=0.3), spec_json)
    groups = reading.groups(processed_data / "draw", spec_json, "train")
    plain = data.train_batches(groups, 16, 1, 1).dataset
    shaken = data.train_batches(groups, 16, 1, 1, augment=change, target_of=reading.stroke5_target).dataset
    fewer = 0
    for (inputs, target, _), (before, untouched, _) in zip(shaken, plain, strict=True):
        np.testing.assert_array_equal(target, reading.stroke5_target(inputs))
        assert np.abs(target - untouched).max() > 0.01
        np.testing.assert_array_equal(inputs["label"], before["label"])
        fewer += int(np.sum(before["length"] - inputs["length"]))
        # only size changes: where a drawing ends moves by 15 % of the way at most, in x and in y
        ends, was = (np.sum(part["strokes"][:, :, :2], axis=1) for part in (inputs, before))
        assert (np.abs(ends - was) <= 0.1501 * np.abs(was) + 1e-4).all()
    assert fewer > 20


def test_nothing_to_augment_leaves_the_batches_alone() -> None:
    assert augment.make("draw", draw_recipe(), {"classes": ["a"]}) is None


def test_the_losses_are_reconstruction_and_weighed_divergence(processed_data: Path) -> None:
    spec_json = spec.load(processed_data / "draw", "draw")
    import keras

    objective = objectives.make("draw", draw_recipe(), spec_json, None)
    assert objective.hits is None
    config = registry.config("draw", "sketch_rnn", {"encoder_units": 3, "units": 4, "kl_weight": 0.7})
    model = registry.get("draw", "sketch_rnn").build(config, spec_json)
    inputs, target, _ = next(iter(reading.batches(processed_data / "draw", spec_json, "valid", 8)))
    output = model(inputs, training=False)
    mean, log_variance = (model.get_layer(name).output for name in ("latent_mean", "latent_log_variance"))
    named = {tensor.name: tensor for tensor in model.inputs if tensor.name != "label"}
    parts = keras.Model(named, [mean, log_variance])({name: inputs[name] for name in named})
    np.testing.assert_allclose(output["kl"], kl_divergence(*parts), atol=1e-6)
    expected = mixture.reconstruction(target, output["mixture"]) + 0.7 * output["kl"]
    np.testing.assert_allclose(objective.valid_loss(target, output), expected, atol=1e-6)
    in_training = model(inputs, training=True)
    added = objective.train_loss(target, in_training) - mixture.reconstruction(target, in_training["mixture"])
    floor = 0.7 * 0.01 * max(float(np.mean(in_training["kl"])), 0.2)
    np.testing.assert_allclose(added, np.full_like(added, floor), rtol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("class_decoder", {"units": 12, "mixtures": 2, "embedding": 2}),
        ("sketch_rnn", {"encoder_units": 6, "latent": 2, "units": 12, "mixtures": 2, "embedding": 2}),
    ],
)
def test_a_training_learns_which_way_each_class_goes(
    processed_data: Path, tmp_path: Path, name: str, config: dict[str, Any]
) -> None:
    recipe = draw_recipe(epochs=12, batch_size=8, learning_rate=0.02)
    rows: list[Any] = []
    job = TrainingJob.create("draw", name, 5, config, recipe)
    facts = run.train_network(job, processed_data / "draw", tmp_path, rows.append)
    assert facts["kind"] == "network"
    assert tuple(rows[0]) == model_files.COLUMNS
    assert rows[-1]["valid_loss"] < rows[0]["valid_loss"] - 0.3
    network = networks.load_network(tmp_path)
    drawings = sampling.sample(network, [RIGHT] * 20 + [LEFT] * 20, 0.5, 1, 16)
    ways = [float(drawing[:, 0].sum()) > 0 for drawing in drawings]
    assert np.mean(ways[:20]) > 0.8
    assert np.mean(ways[20:]) < 0.2
