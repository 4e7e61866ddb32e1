"""Learning rates as functions of the step."""

import math
from typing import Any

import pytest

from strokecast.params import ClassifyRecipe
from strokecast.training import optimizers


def classify_recipe(**keys: Any) -> ClassifyRecipe:
    """A recipe without warm-up and augmentation, unless `keys` switches them on."""
    neutral = {"epochs": 20, "batch_size": 128, "learning_rate": 0.002, "warmup_epochs": 0}
    off = dict.fromkeys(("augment_scale", "augment_rotation", "augment_jitter", "augment_drop"), 0.0)
    return ClassifyRecipe(**{**neutral, **off, **keys})


def rates(recipe: ClassifyRecipe, steps_per_epoch: int) -> list[float]:
    return [
        optimizers.learning_rate(recipe, step, steps_per_epoch)
        for step in range(recipe.epochs * steps_per_epoch)
    ]


def test_constant() -> None:
    assert rates(classify_recipe(epochs=2, learning_rate=0.3, schedule="constant"), 3) == [0.3] * 6


def test_cosine_starts_at_the_peak_and_halves_midway() -> None:
    actual = rates(classify_recipe(epochs=4, learning_rate=0.2, schedule="cosine"), 5)
    assert actual[0] == 0.2
    assert actual[10] == pytest.approx(0.1)
    assert actual[19] == pytest.approx(0.2 * 0.5 * (1 + math.cos(math.pi * 19 / 20)))
    assert actual == sorted(actual, reverse=True)
    assert optimizers.learning_rate(classify_recipe(epochs=4, learning_rate=0.2), 20, 5) == pytest.approx(
        0, abs=1e-12
    )


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_warm_up_rises_linearly_to_the_peak(schedule: str) -> None:
    recipe = classify_recipe(epochs=5, learning_rate=0.4, schedule=schedule, warmup_epochs=2)
    actual = rates(recipe, 2)
    assert actual[:4] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert actual[4] == pytest.approx(0.4)
    assert max(actual) == pytest.approx(0.4)


def test_each_rule_is_made_as_the_recipe_says() -> None:
    adamw = optimizers.make(classify_recipe(optimizer="adamw", weight_decay=0.1))
    assert (type(adamw).__name__, adamw.weight_decay) == ("AdamW", 0.1)
    assert optimizers.make(classify_recipe(optimizer="adamw")).weight_decay == optimizers.DEFAULT_WEIGHT_DECAY
    sgd = optimizers.make(classify_recipe(optimizer="sgd", momentum=0.9))
    assert (type(sgd).__name__, sgd.momentum) == ("SGD", 0.9)
    assert type(optimizers.make(classify_recipe(optimizer="adam"))).__name__ == "Adam"
