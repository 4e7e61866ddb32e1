"""The one training loop: epochs, validation, early stopping, best weights, guards."""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from strokecast.errors import UserError
from strokecast.params import Recipe
from strokecast.stage import progress
from strokecast.training import optimizers
from strokecast.training.data import Feed
from strokecast.training.step import Steps

Row = dict[str, float | int]


@dataclass(frozen=True)
class Fit:
    """What a training came to; the model holds the weights of `best_epoch`.

    Attributes:
        rows: one an epoch, as `history.csv` has them.
        best_epoch: the epoch (from 1) with the lowest validation loss.
        train_seconds: wall time of all epochs, tracing and validation included.
        examples_per_second: inference on the validation split, reading included, after a warm-up pass.
    """

    rows: tuple[Row, ...]
    best_epoch: int
    train_seconds: float
    examples_per_second: float


def fit(
    model: Any,
    steps: Steps,
    train: Feed,
    valid: Any,
    recipe: Recipe,
    *,
    where: str,
    counts_hits: bool,
    on_epoch: Callable[[Mapping[str, float | int]], None] = lambda row: None,
) -> Fit:
    """Train for `recipe.epochs` epochs or until `recipe.patience` runs out, then restore the best weights.

    Args:
        model: the network behind `steps`.
        steps: compiled steps.
        train: shuffled batches.
        valid: one pass over the validation split, tf.data.Dataset of (inputs, target, key).
        recipe: epochs, learning rate, patience.
        where: the entry in params.yaml, for errors.
        counts_hits: add `train_accuracy` and `valid_accuracy` to the rows.
        on_epoch: called with each row as soon as its epoch ends. `epoch` counts from 1, `step` is
            the number of updates so far, `seconds` the wall time since the start.

    Raises:
        UserError: if the loss is no finite number.
    """
    import numpy as np

    rows: list[Row] = []
    best_loss, best_epoch, best_weights = math.inf, 0, model.get_weights()
    passes: list[float] = []
    batches = iter(train.dataset)
    started = time.perf_counter()
    for epoch in range(1, recipe.epochs + 1):
        rate = 0.0
        first = (epoch - 1) * train.steps
        turn = itertools.islice(batches, train.steps)
        for done, (inputs, target, _) in enumerate(
            progress(turn, f"epoch {epoch}/{recipe.epochs}", train.steps, " steps"), start=first
        ):
            rate = optimizers.learning_rate(recipe, done, train.steps)
            steps.train(inputs, target, np.float32(rate))
        train_loss, train_accuracy, _ = steps.read()
        _check_finite(train_loss, "training", epoch, where)
        valid_started = time.perf_counter()
        for inputs, target, _ in valid:
            steps.valid(inputs, target)
        valid_loss, valid_accuracy, examples = steps.read()
        passes.append(examples / (time.perf_counter() - valid_started))
        _check_finite(valid_loss, "validation", epoch, where)
        row: Row = {
            "epoch": epoch,
            "step": epoch * train.steps,
            "timestamp_ms": time.time_ns() // 1_000_000,
            "seconds": round(time.perf_counter() - started, 3),
            "learning_rate": rate,
            "train_loss": train_loss,
            "valid_loss": valid_loss,
        }
        if counts_hits:
            row |= {"train_accuracy": train_accuracy, "valid_accuracy": valid_accuracy}
        rows.append(row)
        on_epoch(row)
        if valid_loss < best_loss:
            best_loss, best_epoch, best_weights = valid_loss, epoch, model.get_weights()
        elif recipe.patience is not None and epoch - best_epoch >= recipe.patience:
            break
    seconds = time.perf_counter() - started
    model.set_weights(best_weights)
    if len(passes) == 1:  # the first pass paid for tracing
        again = time.perf_counter()
        for inputs, target, _ in valid:
            steps.valid(inputs, target)
        passes.append(steps.read()[2] / (time.perf_counter() - again))
    return Fit(tuple(rows), best_epoch, seconds, statistics.median(passes[1:]))


def _check_finite(loss: float, which: str, epoch: int, where: str) -> None:
    if not math.isfinite(loss):
        raise UserError(
            f"the {which} loss became {loss} in epoch {epoch}",
            where=where,
            allowed="finite numbers",
            fix="lower learning_rate, or set clip_norm",
        )
