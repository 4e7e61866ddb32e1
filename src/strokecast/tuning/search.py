"""The search: processes, and the threads of one, take trials from one study until it has as many as were asked for.

A trial that an ended process was running returns to the queue, with the same values and a new number. So does one that is
interrupted. No other trial runs twice, and the surplus trials of processes that ask at the same moment end at once.
"""

from __future__ import annotations

import datetime
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent import futures
from dataclasses import dataclass
from typing import Any, Literal

import optuna
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from strokecast.common import signals
from strokecast.common.errors import UserError
from strokecast.models.common.search_space import Range, Value
from strokecast.tracking import process_tags
from strokecast.tracking.search_runs import SearchRuns
from strokecast.training.guards import TrainingError
from strokecast.tuning import sampler, space, storage
from strokecast.tuning.objective import Metric, Objective, metric
from strokecast.tuning.sampler import FAILURE, SURPLUS, counts, requeue

_SETUP, _SEARCH_ID = "setup", "search_id"  # user attributes of a study
_CREATION = 5  # seconds that the creator of a study may take to write these
_ALREADY_TOLD = "Cannot tell a"  # how optuna's error begins
_PROCESS, _RUN = "process", "run_id"  # user attributes of a trial


class _SurplusError(Exception):
    """The study has enough trials."""


class _TakenOverError(Exception):
    """Another process has returned this trial to the queue."""


@dataclass(frozen=True)
class SearchOptions:
    """What a search is to do.

    Attributes:
        study: name of the study.
        trials: that the study is to have in all; 0: all combinations of a grid.
        storage: address of the database.
        sampler: `grid`, `random` or `tpe`.
        pruner: `none`, `median` or `halving`.
        seed: of the sampler.
        timeout: seconds after which no trial begins; None: no limit.
    """

    study: str
    trials: int
    storage: str
    sampler: str = "tpe"
    pruner: str = "median"
    seed: int = 1
    timeout: float | None = None


class Search:
    """One process of a search.

    Args:
        options: what to do.
        objective: trains the model.
        dimensions: the search space.
        report: called with one line per trial.
    """

    def __init__(
        self,
        options: SearchOptions,
        objective: Objective,
        dimensions: space.Space,
        report: Callable[[str], None] = print,
    ) -> None:
        self._options, self._objective, self._space, self._report = options, objective, dimensions, report
        self._metric: Metric = metric(objective.task)
        setup = {**objective.setup(dimensions), "space": space.to_json(dimensions)}
        self._storage = storage.open_storage(options.storage, requeue)
        combinations = space.grid(dimensions) if options.sampler == "grid" else []
        if options.sampler == "grid" and options.trials > len(combinations):
            raise UserError(
                f"the grid has only {len(combinations)} combinations",
                location="--trials",
                allowed=f"1 to {len(combinations)}",
            )
        self._trials = options.trials or len(combinations)
        self.first = objective.current(dimensions)
        study_sampler = sampler.SearchSampler(
            options.sampler, options.seed, dimensions, None if combinations else self.first, combinations
        )
        pruner = sampler.make_pruner(options.pruner)
        direction: Literal["maximize", "minimize"] = (
            "maximize" if self._metric.higher_is_better else "minimize"
        )
        try:
            self.study: Study = optuna.create_study(
                study_name=options.study,
                storage=self._storage,
                sampler=study_sampler,
                pruner=pruner,
                direction=direction,
            )
            is_new = True
        except optuna.exceptions.DuplicatedStudyError:
            self.study = optuna.load_study(
                study_name=options.study, storage=self._storage, sampler=study_sampler, pruner=pruner
            )
            is_new = False
        self._check_setup(setup, is_new)
        self._process = process_tags.current()
        self._running: set[int] = set()  # numbers of trials of this process
        self._ran = 0  # trials
        self._lock = threading.Lock()  # of the counts and the queue, for the threads of this process
        self._runs = SearchRuns(
            objective.task, options.study, self.study.user_attrs[_SEARCH_ID], _flat(setup)
        )

    def run(self, jobs: int = 1) -> None:
        """Run trials until the study has enough, none is left, or the time is over.

        Args:
            jobs: trials at a time, each in a thread of its own. With more than one, the objective's `train` must not compute
                in this process, and end soon after `stopped` of the objective is set.

        Raises:
            Interrupted: on SIGINT and SIGTERM. The running trials are back in the queue then.
            UserError: for mistakes that every trial would have. The trials that it ended are back in the queue, too.
        """
        timeout = self._options.timeout
        deadline = None if timeout is None else time.monotonic() + timeout
        status = "KILLED"
        try:
            with signals.handled_by(signals.raise_interrupted):
                self._runs.start()
                if jobs == 1:
                    self._run_trials(deadline)
                else:
                    self._run_threads(jobs, deadline)
            status = "FINISHED"
        except UserError:
            status = "FAILED"
            raise
        finally:
            try:
                self._requeue_interrupted()
            finally:
                self._runs.end(status)

    def best(self) -> FrozenTrial | None:
        """The complete trial with the best score; None: no trial is complete."""
        done = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return self.study.best_trial if done else None

    def describe(self, seconds: float, default: int | None) -> str:
        """The outcome in one line.

        Args:
            seconds: that this process has searched.
            default: number of the trial with the settings of params.yaml; None: there is none.
        """
        trials = self.study.get_trials(deepcopy=False)
        ended = [trial for trial in trials if counts(trial) and trial.state.is_finished()]
        running = sum(trial.state == TrialState.RUNNING for trial in trials)
        best, name = self.study.best_trial, self._metric.name
        parts = [f"{len(ended)} trials", f"best {name} {best.value:.6g} in trial {best.number}"]
        if default is not None:
            parts.append(f"{trials[default].value:.6g} with the settings of params.yaml")
        if self._ran:
            parts.append(f"{3600 * self._ran / seconds:.0f} trials per hour in this process")
        if running:
            parts.append(f"{running} still run in other processes")
        return ", ".join(parts)

    def values(self, trial: FrozenTrial) -> dict[str, Value]:
        """The values that a trial trained with."""
        return {key: self._space[key].round(trial.params[key]) for key in self._space if key in trial.params}

    def _run_threads(self, jobs: int, deadline: float | None) -> None:
        with futures.ThreadPoolExecutor(jobs) as threads:
            running = [threads.submit(self._run_trials, deadline) for _ in range(jobs)]
            try:
                for thread in futures.as_completed(running):
                    thread.result()
            except BaseException:
                self._objective.stopped.set()
                with signals.handled_by(
                    lambda *_: None
                ):  # trials return to the queue once all threads have ended
                    futures.wait(running)
                raise

    def _run_trials(self, deadline: float | None) -> None:
        """Run one trial after another, until there is none or `time.monotonic()` has passed the deadline."""
        while not self._objective.stopped.is_set() and self._is_unfinished():
            if deadline is not None and time.monotonic() >= deadline:
                return
            self._optimize_once()

    def _optimize_once(self) -> None:
        """Run one trial. If it gave no sign of life for too long, another process has returned it to the queue."""
        number = -1

        def run_trial(trial: Trial) -> float:
            nonlocal number
            number = trial.number
            self._running.add(number)
            return self._run_trial(trial)

        try:
            self.study.optimize(run_trial, n_trials=1, catch=(_SurplusError, TrainingError))
        except (optuna.exceptions.UpdateFinishedTrialError, ValueError) as error:
            if isinstance(error, ValueError) and not str(error).startswith(_ALREADY_TOLD):
                raise
            self._report(f"trial {number} does not count: another process runs it again")
        self._running.discard(number)

    def _is_unfinished(self) -> bool:
        """Whether there is a trial to run; trials of processes that have ended return to the queue first."""
        with self._lock:
            self._requeue_ended()
            trials = self.study.get_trials(deepcopy=False)
        waiting = any(trial.state == TrialState.WAITING for trial in trials)
        return waiting or sum(map(counts, trials)) < self._trials

    def _requeue_ended(self) -> None:
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            process = trial.user_attrs.get(_PROCESS)
            started = trial.datetime_start or datetime.datetime.min
            if process is None:  # its process ended before it wrote its name, or is about to
                ended = datetime.datetime.now() - started > datetime.timedelta(seconds=storage.GRACE)
            else:
                ended = not process_tags.is_alive(process)
            if ended and self._fail(trial):
                requeue(self.study, trial)
                self._runs.end_trial(trial.user_attrs.get(_RUN, ""), trial.number, "interrupted", None, None)
                self._report(f"trial {trial.number}: its process has ended; it runs again")

    def _requeue_interrupted(self) -> None:
        """Return unfinished trials of this process to the queue. They are set to FAIL before, so that no other process does, too."""
        for number in sorted(self._running):
            if not counts(trial := self.study.trials[number]):
                requeue(self.study, trial)

    def _fail(self, trial: FrozenTrial) -> bool:
        """Set a trial of an ended process to FAIL; False: another process did."""
        try:
            return self._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        except optuna.exceptions.UpdateFinishedTrialError:
            return False

    def _run_trial(self, trial: Trial) -> float:
        """The objective of optuna."""
        earlier = self.study.get_trials(deepcopy=False)
        if sum(counts(one) for one in earlier if one.number < trial.number) >= self._trials:
            trial.set_user_attr(SURPLUS, True)
            raise _SurplusError
        trial.set_user_attr(_PROCESS, self._process)
        values = {key: self._suggest(trial, key) for key in self._space}
        run_id, started = self._runs.start_trial(trial.number, values), time.monotonic()
        trial.set_user_attr(_RUN, run_id)
        scores: list[float] = []

        def report(step: int, score: float) -> None:
            scores.append(score)
            trial.report(score, step)
            if trial.should_prune():
                raise optuna.TrialPruned

        def end(state: str, score: float | None, note: str = "") -> None:
            best = self._best_with(score) if state == "complete" else None
            self._runs.end_trial(run_id, trial.number, state, score, best)
            seconds = time.monotonic() - started
            shown = "" if score is None else f" {self._metric.name} {score:.6g}"
            settings = ", ".join(f"{key}={value}" for key, value in values.items())
            with self._lock:
                self._ran += state != "interrupted"
            self._report(f"trial {trial.number} {state}:{shown or note} in {seconds:.1f} s; {settings}")

        try:
            score = self._objective.train(values, report, lambda row: self._runs.log_epoch(run_id, row))
        except optuna.TrialPruned:
            end("pruned", scores[-1])
            raise
        except TrainingError as error:
            trial.set_user_attr(FAILURE, str(error)[:500])
            end("failed", None, f" {error}")
            raise
        except KeyboardInterrupt:
            end("interrupted", None, " it runs again when the search goes on")
            raise
        except Exception:
            self._runs.end_trial(run_id, trial.number, "failed", None, None)
            raise
        if self._storage.get_trial(trial._trial_id).state.is_finished():
            raise _TakenOverError
        end("complete", score)
        return score

    def _best_with(self, score: float | None) -> float | None:
        done = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        scores = [trial.value for trial in done if trial.value is not None]
        scores += [] if score is None else [score]
        choose = max if self._metric.higher_is_better else min
        return choose(scores) if scores else None

    def _suggest(self, trial: Trial, key: str) -> Value:
        dimension = self._space[key]
        if not isinstance(dimension, Range):
            value: Any = trial.suggest_categorical(key, dimension.values)
        elif dimension.is_integer:
            value = trial.suggest_int(key, int(dimension.low), int(dimension.high), log=dimension.log)
        else:
            value = trial.suggest_float(key, dimension.low, dimension.high, log=dimension.log)
        return dimension.round(value)

    def _check_setup(self, setup: Mapping[str, Any], is_new: bool) -> None:
        """Store what the trials have in common, or compare it with that of the process that created the study.

        Raises:
            UserError: if they differ.
        """
        deadline = time.monotonic() + (0 if is_new else _CREATION)
        while (stored := self.study.user_attrs.get(_SETUP)) is None and time.monotonic() < deadline:
            time.sleep(0.1)
        plain = json.loads(json.dumps(setup))
        if stored is None:
            self.study.set_user_attr(_SEARCH_ID, str(uuid.uuid4()))
            self.study.set_user_attr(_SETUP, plain)
        elif stored != plain:
            differing = [key for key in plain if stored.get(key) != plain[key]]
            raise UserError(
                f"the study {self._options.study!r} searched with another {' and '.join(differing)}",
                location="--name",
                fix="give another name, or delete the study's file in .strokecast/tune/",
            )


def _flat(setup: Mapping[str, Any]) -> dict[str, str]:
    """The setup as params of a run: the keys of this program, and their values as text."""
    flat: dict[str, str] = {}
    for section, value in setup.items():
        entries = value.items() if isinstance(value, Mapping) else [("", value)]
        flat |= {f"{section}.{key}".rstrip("."): str(one)[:500] for key, one in entries}
    return flat
