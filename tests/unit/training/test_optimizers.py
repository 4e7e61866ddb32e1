"""Learning rates as functions of the step."""

import math

import pytest

from strokecast.params import ClassifyRecipe
from strokecast.training import optimizers


def rates(recipe: ClassifyRecipe, steps_per_epoch: int) -> list[float]:
    return [
        optimizers.learning_rate(recipe, step, steps_per_epoch)
        for step in range(recipe.epochs * steps_per_epoch)
    ]


def test_constant() -> None:
    assert rates(ClassifyRecipe(epochs=2, learning_rate=0.3, schedule="constant"), 3) == [0.3] * 6


def test_cosine_starts_at_the_peak_and_halves_midway() -> None:
    found = rates(ClassifyRecipe(epochs=4, learning_rate=0.2, schedule="cosine"), 5)
    assert found[0] == 0.2
    assert found[10] == pytest.approx(0.1)
    assert found[19] == pytest.approx(0.2 * 0.5 * (1 + math.cos(math.pi * 19 / 20)))
    assert found == sorted(found, reverse=True)
    assert optimizers.learning_rate(ClassifyRecipe(epochs=4, learning_rate=0.2), 20, 5) == pytest.approx(
        0, abs=1e-12
    )


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_warm_up_rises_linearly_to_the_peak(schedule: str) -> None:
    recipe = ClassifyRecipe(epochs=5, learning_rate=0.4, schedule=schedule, warmup_epochs=2)
    found = rates(recipe, 2)
    assert found[:4] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert found[4] == pytest.approx(0.4)
    assert max(found) == pytest.approx(0.4)


def test_each_rule_is_made_as_the_recipe_says() -> None:
    adamw = optimizers.make(ClassifyRecipe(optimizer="adamw", weight_decay=0.1))
    assert (type(adamw).__name__, adamw.weight_decay) == ("AdamW", 0.1)
    assert optimizers.make(ClassifyRecipe(optimizer="adamw")).weight_decay == optimizers.ADAMW_DECAY
    sgd = optimizers.make(ClassifyRecipe(optimizer="sgd", momentum=0.9))
    assert (type(sgd).__name__, sgd.momentum) == ("SGD", 0.9)
    assert type(optimizers.make(ClassifyRecipe(optimizer="adam"))).__name__ == "Adam"
