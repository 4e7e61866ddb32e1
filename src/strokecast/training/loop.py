"""The one training loop: epochs, validation, early stopping, best weights, checkpoints."""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from strokecast.common.stage import Interrupted, deferred, progress
from strokecast.params import Recipe
from strokecast.training import optimizers
from strokecast.training.averaging import Average
from strokecast.training.checkpoint import Keeper, Row, State
from strokecast.training.data import Feed
from strokecast.training.guards import broken_numbers
from strokecast.training.step import Steps

Pending = Callable[[], int | None]


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


@dataclass(frozen=True)
class Training:
    """All parts of one training.

    Attributes:
        model: the network behind `steps`.
        steps: compiled steps.
        feed: (first epoch, first step of it) → shuffled batches from there on.
        valid: one pass over the validation split, tf.data.Dataset of (inputs, target, key).
        refresh: a pass over training batches that takes moments of batch normalisation anew; None
            where the averaged weights need none.
        recipe: epochs, learning rate, patience, checkpoints.
        average: the weights that are validated and kept.
        keeper: of the checkpoints.
        where: the entry in params.yaml, for errors.
        counts_hits: add `train_accuracy` and `valid_accuracy` to the rows.
        check_every: steps from one look for broken numbers to the next.
        on_epoch: called with each row once its epoch is in a checkpoint. `epoch` counts from 1, `step`
            is the number of updates so far, `seconds` the wall time since the start.
    """

    model: Any
    steps: Steps
    feed: Callable[[int, int], Feed]
    valid: Any
    refresh: Any
    recipe: Recipe
    average: Average
    keeper: Keeper
    where: str
    counts_hits: bool
    check_every: int = 1
    on_epoch: Callable[[Mapping[str, float | int]], None] = lambda row: None


def fit(parts: Training) -> Fit:
    """Train for `recipe.epochs` epochs or until `recipe.patience` runs out, then restore the best weights.

    Goes on from the newest checkpoint where there is one, to the same result bit for bit if
    operations are deterministic.

    Raises:
        TrainingError: if a loss or gradient is no finite number.
        Interrupted: on SIGINT and SIGTERM, after the running step and a checkpoint.
    """
    state = parts.keeper.load() or State()
    if state.rows:
        parts.on_epoch(state.rows[-1])  # the one line that the board may not have seen
    first, spent, started = state.epoch, state.seconds, time.perf_counter()

    def clock() -> float:
        return spent + time.perf_counter() - started

    with deferred() as pending:
        feed = parts.feed(state.epoch, state.step)
        batches = iter(feed.dataset)
        while state.epoch < parts.recipe.epochs and not _patience_is_over(state, parts.recipe):
            _train_epoch(parts, state, batches, feed.steps, pending, clock)
            _end_epoch(parts, state, feed.steps, pending, clock, traced=state.epoch > first)
            parts.on_epoch(state.rows[-1])
            _leave(pending, state, feed.steps)
    parts.model.set_weights(state.best)
    if not state.passes:
        for _ in range(1 if state.epoch > first else 2):  # the first pass of a process pays for tracing
            state.passes = [_inference_speed(parts)]
    return Fit(tuple(state.rows), state.best_epoch, state.seconds, statistics.median(state.passes))


def _train_epoch(
    parts: Training,
    state: State,
    batches: Any,
    steps: int,
    pending: Pending,
    clock: Callable[[], float],
) -> None:
    """The steps of the running epoch that are still to do."""
    import numpy as np

    recipe, epoch = parts.recipe, state.epoch + 1
    if state.step == 0:
        parts.steps.totals.assign([0.0, 0.0, 0.0])
    turn = itertools.islice(batches, steps - state.step)
    for inputs, target, _ in progress(turn, f"epoch {epoch}/{recipe.epochs}", steps - state.step, " steps"):
        rate = optimizers.learning_rate(recipe, state.epoch * steps + state.step, steps)
        parts.steps.train(inputs, target, np.float32(rate))
        state.step += 1
        due = recipe.checkpoint_steps is not None and state.step % recipe.checkpoint_steps == 0
        signal = pending()
        if due or signal is not None or state.step % parts.check_every == 0 or state.step == steps:
            parts.steps.sentry.check(epoch, state.epoch * steps + state.step, parts.where)
        if due or signal is not None:
            state.seconds = clock()
            parts.keeper.save(state)
        if signal is not None:  # not a later one: that has no checkpoint yet
            raise _interrupted(signal, state, steps)


def _end_epoch(
    parts: Training,
    state: State,
    steps: int,
    pending: Pending,
    clock: Callable[[], float],
    traced: bool,
) -> None:
    """Validate what stands for the model after this epoch, note it, keep a checkpoint."""
    epoch, recipe = state.epoch + 1, parts.recipe
    sums = parts.steps.totals.numpy()
    train_loss, train_accuracy, _ = parts.steps.read()
    kept = parts.average.after_epoch(epoch)
    try:
        with parts.average.shown(kept):
            if kept is not None and parts.refresh is not None:
                for inputs, _, _ in parts.refresh:
                    parts.steps.refresh(inputs)
                    _leave(pending, state, steps)
            valid_started = time.perf_counter()
            for inputs, target, _ in parts.valid:
                parts.steps.valid(inputs, target)
                _leave(pending, state, steps)
            valid_loss, valid_accuracy, examples = parts.steps.read()
            weights = parts.model.get_weights() if valid_loss < state.best_loss else None
    except Interrupted:  # to be validated anew
        parts.steps.totals.assign(sums)
        state.seconds = clock()
        parts.keeper.save(state)
        raise
    if not math.isfinite(valid_loss):
        raise broken_numbers(f"the validation loss became {valid_loss} in epoch {epoch}", parts.where)
    parts.average.commit(kept)
    if traced:
        state.passes.append(examples / (time.perf_counter() - valid_started))
    if weights is not None:
        state.best_loss, state.best_epoch, state.best = valid_loss, epoch, weights
    state.seconds = clock()
    row: Row = {
        "epoch": epoch,
        "step": epoch * steps,
        "timestamp_ms": time.time_ns() // 1_000_000,
        "seconds": round(state.seconds, 3),
        "learning_rate": optimizers.learning_rate(recipe, epoch * steps - 1, steps),
        "train_loss": train_loss,
        "valid_loss": valid_loss,
    }
    if parts.counts_hits:
        row |= {"train_accuracy": train_accuracy, "valid_accuracy": valid_accuracy}
    state.rows.append(row)
    state.epoch, state.step = epoch, 0
    parts.keeper.save(state)


def _inference_speed(parts: Training) -> float:
    """Examples a second over the validation split."""
    started = time.perf_counter()
    for inputs, target, _ in parts.valid:
        parts.steps.valid(inputs, target)
    return parts.steps.read()[2] / (time.perf_counter() - started)


def _patience_is_over(state: State, recipe: Recipe) -> bool:
    return recipe.patience is not None and 0 < state.best_epoch <= state.epoch - recipe.patience


def _leave(pending: Pending, state: State, steps: int) -> None:
    """End the training if a signal came."""
    signal = pending()
    if signal is not None:
        raise _interrupted(signal, state, steps)


def _interrupted(signal: int, state: State, steps: int) -> Interrupted:
    return Interrupted(signal, f"after epoch {state.epoch}, step {state.epoch * steps + state.step}")
