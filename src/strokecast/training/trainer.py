"""The training loop: epochs, validation, early stopping, best weights, checkpoints."""

from __future__ import annotations

import itertools
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from strokecast.common.console import progress
from strokecast.common.errors import UserError
from strokecast.common.signals import Interrupted, defer_signals
from strokecast.params import Recipe
from strokecast.training import optimizers
from strokecast.training.averaging import WeightAverage
from strokecast.training.checkpoint import CheckpointManager, HistoryRow, TrainState
from strokecast.training.data import TrainBatches
from strokecast.training.guards import non_finite_error
from strokecast.training.steps import CompiledSteps

ReceivedSignal = Callable[[], int | None]


@dataclass(frozen=True)
class FitResult:
    """Result of `Trainer.fit`; the model then holds the weights of `best_epoch`.

    Attributes:
        rows: the history, one row per epoch, as in `history.csv`.
        best_epoch: the epoch, from 1, with the lowest validation loss.
        train_seconds: wall time of all epochs, tracing and validation included.
        examples_per_second: inference speed on the validation split, reading included, after a warm-up pass.
    """

    rows: tuple[HistoryRow, ...]
    best_epoch: int
    train_seconds: float
    examples_per_second: float


@dataclass(frozen=True)
class Trainer:
    """Trains one network.

    Attributes:
        model: the network behind `steps`.
        steps: compiled steps.
        train_batches: (first epoch, first step of it) → shuffled batches from there on.
        valid: one pass over the validation split, tf.data.Dataset of (inputs, target, key).
        batch_norm_data: a pass over training batches, (inputs, target, key), that recomputes the moving
            statistics of batch normalization under averaged weights; None if that is not needed.
        recipe: epochs, learning rate, patience, checkpoints.
        average: the weight average. Its weights are validated and kept.
        checkpoints: saves and loads the training's state.
        location: key path of the model in params.yaml, for errors.
        counts_hits: add `train_accuracy` and `valid_accuracy` to the rows.
        check_every: steps between two checks for non-finite numbers.
        replicas: devices that share each step.
        on_epoch: called with each row after its epoch was saved in a checkpoint. `epoch` counts from 1, `step`
            is the number of updates so far, `seconds` the wall time since the start.
    """

    model: Any
    steps: CompiledSteps
    train_batches: Callable[[int, int], TrainBatches]
    valid: Any
    batch_norm_data: Any
    recipe: Recipe
    average: WeightAverage
    checkpoints: CheckpointManager
    location: str
    counts_hits: bool
    check_every: int = 1
    replicas: int = 1
    on_epoch: Callable[[Mapping[str, float | int]], None] = lambda row: None

    def fit(self) -> FitResult:
        """Train for `recipe.epochs` epochs or until `recipe.patience` runs out, then restore the best weights.

        Resumes from the newest checkpoint if there is one. The result is the same bit for bit if operations
        are deterministic.

        Raises:
            UserError: if another number of devices began a training that is `deterministic`.
            TrainingError: if a loss or gradient is not finite.
            Interrupted: on SIGINT and SIGTERM, after the running step and a checkpoint.
        """
        state = self.checkpoints.load() or TrainState(replicas=self.replicas)
        self._check_replicas(state)
        if state.rows:
            self.on_epoch(state.rows[-1])  # the one row that may be missing on the board
        first, spent, started = state.epoch, state.seconds, time.perf_counter()

        def clock() -> float:
            return spent + time.perf_counter() - started

        with defer_signals() as received_signal:
            train_batches = self.train_batches(state.epoch, state.step)
            batches = iter(train_batches.dataset)
            while state.epoch < self.recipe.epochs and not self._patience_is_over(state):
                self._train_epoch(state, batches, train_batches.steps, received_signal, clock)
                traced = state.epoch > first
                self._end_epoch(state, train_batches.steps, received_signal, clock, traced)
                self.on_epoch(state.rows[-1])
                _raise_if_interrupted(received_signal, state, train_batches.steps)
        self.model.set_weights(state.best)
        if not state.valid_speeds:
            for _ in range(1 if state.epoch > first else 2):  # the first pass of a process includes tracing
                state.valid_speeds = [self._inference_speed()]
        speed = statistics.median(state.valid_speeds)
        return FitResult(tuple(state.rows), state.best_epoch, state.seconds, speed)

    def _check_replicas(self, state: TrainState) -> None:
        """Refuse to mix sums of different numbers of devices if the recipe promises equal bits; else say so in one line."""
        if state.replicas == self.replicas:
            return
        if self.recipe.deterministic:
            raise UserError(
                f"the unfinished training ran on {_devices(state.replicas)}, and this one has {self.replicas}: deterministic: "
                "true promises bits that depend on this number",
                location=f"params.yaml: {self.location}.training.deterministic",
                fix=f"run again with {_devices(state.replicas)}, or change the recipe, which starts a new training",
            )
        print(
            f"{self.location}: resumes on {_devices(self.replicas)} what {_devices(state.replicas)} began; numbers differ by "
            "rounding, dropout and batch normalization",
            file=sys.stderr,
            flush=True,
        )
        state.replicas = self.replicas

    def _train_epoch(
        self,
        state: TrainState,
        batches: Iterator[Any],
        steps: int,
        received_signal: ReceivedSignal,
        clock: Callable[[], float],
    ) -> None:
        """Run the remaining steps of the running epoch."""
        import numpy as np

        recipe, epoch = self.recipe, state.epoch + 1
        if state.step == 0:
            self.steps.totals.assign([0.0, 0.0, 0.0])
        remaining = steps - state.step
        epoch_batches = itertools.islice(batches, remaining)
        for inputs, target, _ in progress(
            epoch_batches, f"epoch {epoch}/{recipe.epochs}", remaining, " steps"
        ):
            rate = optimizers.learning_rate(recipe, state.epoch * steps + state.step, steps)
            self.steps.train(inputs, target, np.float32(rate))
            state.step += 1
            due = recipe.checkpoint_steps is not None and state.step % recipe.checkpoint_steps == 0
            signal = received_signal()
            if due or signal is not None or state.step % self.check_every == 0 or state.step == steps:
                self.steps.detector.check(epoch, state.epoch * steps + state.step, self.location)
            if due or signal is not None:
                state.seconds = clock()
                self.checkpoints.save(state)
            if signal is not None:  # a signal after the save has no checkpoint yet
                raise _interrupted(signal, state, steps)

    def _end_epoch(
        self,
        state: TrainState,
        steps: int,
        received_signal: ReceivedSignal,
        clock: Callable[[], float],
        traced: bool,
    ) -> None:
        """Validate the model, with averaged weights if there are any, and save a checkpoint."""
        epoch, recipe = state.epoch + 1, self.recipe
        sums = self.steps.totals.numpy()
        train_loss, train_accuracy, _ = self.steps.read_totals()
        averaged = self.average.after_epoch(epoch)
        try:
            with self.average.swapped_in(averaged):
                if averaged is not None and self.batch_norm_data is not None:
                    for inputs, _, _ in self.batch_norm_data:
                        self.steps.update_batch_norm(inputs)
                        _raise_if_interrupted(received_signal, state, steps)
                valid_started = time.perf_counter()
                for inputs, target, _ in self.valid:
                    self.steps.valid(inputs, target)
                    _raise_if_interrupted(received_signal, state, steps)
                valid_loss, valid_accuracy, examples = self.steps.read_totals()
                weights = self.model.get_weights() if valid_loss < state.best_loss else None
        except Interrupted:  # the resumed training repeats this validation
            self.steps.totals.assign(sums)
            state.seconds = clock()
            self.checkpoints.save(state)
            raise
        if not math.isfinite(valid_loss):
            raise non_finite_error(f"the validation loss became {valid_loss} in epoch {epoch}", self.location)
        self.average.commit(averaged)
        if traced:
            state.valid_speeds.append(examples / (time.perf_counter() - valid_started))
        if weights is not None:
            state.best_loss, state.best_epoch, state.best = valid_loss, epoch, weights
        state.seconds = clock()
        row: HistoryRow = {
            "epoch": epoch,
            "step": epoch * steps,
            "timestamp_ms": time.time_ns() // 1_000_000,
            "seconds": round(state.seconds, 3),
            "learning_rate": optimizers.learning_rate(recipe, epoch * steps - 1, steps),
            "train_loss": train_loss,
            "valid_loss": valid_loss,
        }
        if self.counts_hits:
            row |= {"train_accuracy": train_accuracy, "valid_accuracy": valid_accuracy}
        state.rows.append(row)
        state.epoch, state.step = epoch, 0
        self.checkpoints.save(state)

    def _inference_speed(self) -> float:
        """Examples per second over the validation split."""
        started = time.perf_counter()
        for inputs, target, _ in self.valid:
            self.steps.valid(inputs, target)
        return self.steps.read_totals()[2] / (time.perf_counter() - started)

    def _patience_is_over(self, state: TrainState) -> bool:
        patience = self.recipe.patience
        return patience is not None and 0 < state.best_epoch <= state.epoch - patience


def _devices(count: int) -> str:
    return "1 device" if count == 1 else f"{count} devices"


def _raise_if_interrupted(received_signal: ReceivedSignal, state: TrainState, steps: int) -> None:
    signal = received_signal()
    if signal is not None:
        raise _interrupted(signal, state, steps)


def _interrupted(signal: int, state: TrainState, steps: int) -> Interrupted:
    return Interrupted(signal, f"after epoch {state.epoch}, step {state.epoch * steps + state.step}")
