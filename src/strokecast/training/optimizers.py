"""Optimizers and learning-rate schedules. A learning rate is a pure function of the step."""

from __future__ import annotations

import math
from typing import Any

from strokecast.params import Recipe

DEFAULT_WEIGHT_DECAY = 0.004  # of adamw, if the recipe has `weight_decay: null`


def learning_rate(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """The learning rate of one step.

    It rises linearly over `warmup_epochs`. Then it stays (`constant`), or falls to zero at the end of the
    last epoch along half a cosine (`cosine`; Loshchilov and Hutter, https://arxiv.org/abs/1608.03983,
    without restarts).

    Args:
        recipe: schedule, peak and number of epochs.
        step: steps before this one, >= 0.
        steps_per_epoch: >= 1.
    """
    warmup = recipe.warmup_epochs * steps_per_epoch
    if step < warmup:
        return recipe.learning_rate * (step + 1) / warmup
    if recipe.schedule == "constant":
        return recipe.learning_rate
    total = recipe.epochs * steps_per_epoch
    progress = min(1.0, (step - warmup) / (total - warmup))
    return recipe.learning_rate * 0.5 * (1.0 + math.cos(math.pi * progress))


def make(recipe: Recipe) -> Any:
    """The Keras optimizer of a recipe; the training step sets its learning rate."""
    import keras

    makers = {
        "adam": lambda: keras.optimizers.Adam(recipe.learning_rate),
        "adamw": lambda: keras.optimizers.AdamW(
            recipe.learning_rate,
            weight_decay=DEFAULT_WEIGHT_DECAY if recipe.weight_decay is None else recipe.weight_decay,
        ),
        "sgd": lambda: keras.optimizers.SGD(recipe.learning_rate, momentum=recipe.momentum or 0.0),
    }
    return makers[recipe.optimizer]()
