"""Which values a trial tries. Every trial has a random seed of its own, so that processes never draw the same numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from strokecast.models.common.search_space import Dimension, Range, Value

SURPLUS, FAILURE = "surplus", "failure"  # user attributes of trials
_STARTUP = 10  # random trials before TPE fits its densities
RETRY_OF = "failed_trial"  # system attribute of a trial that repeats an interrupted one, as optuna names it


def distribution(dimension: Dimension) -> BaseDistribution:
    """The distribution of optuna for a dimension."""
    if not isinstance(dimension, Range):
        return CategoricalDistribution(dimension.values)
    if dimension.is_integer:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def counts(trial: FrozenTrial) -> bool:
    """Whether a trial is one of those that were asked for. Interrupted trials are not: they run again under a new number."""
    if trial.user_attrs.get(SURPLUS):
        return False
    return trial.state != TrialState.FAIL or FAILURE in trial.user_attrs


def requeue(study: Study, trial: FrozenTrial) -> None:
    """Add a trial with the same values to the queue."""
    original = trial.system_attrs.get(RETRY_OF, trial.number)
    history = [*trial.system_attrs.get("retry_history", []), trial.number]
    study.add_trial(
        optuna.create_trial(
            state=TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            system_attrs={RETRY_OF: original, "retry_history": history},
        )
    )


class SearchSampler(BaseSampler):
    """Tries the combinations of a grid in their order, or the settings in params.yaml first and then those of a sampler.

    Args:
        kind: `grid`, `random` or `tpe`.
        seed: with the number of a trial, the seed of what it draws.
        space: key → its dimension.
        first: values of the first trial of a sampler; None: it is drawn, too.
        combinations: of the grid.
    """

    def __init__(
        self,
        kind: str,
        seed: int,
        space: Mapping[str, Dimension],
        first: Mapping[str, Value] | None,
        combinations: Sequence[Mapping[str, Value]] = (),
    ) -> None:
        self._kind, self._seed, self._combinations = kind, seed, combinations
        self._first = first if first and all(space[key].contains(first[key]) for key in space) else None
        self._distributions = {key: distribution(dimension) for key, dimension in space.items()}
        self._drawing: dict[int, BaseSampler] = {}  # number of a running trial: its sampler

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """See optuna."""
        if self._fixed(study, trial) is not None:
            return dict(self._distributions)
        return self._sampler(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """See optuna."""
        fixed = self._fixed(study, trial)
        return (
            dict(fixed)
            if fixed is not None
            else self._sampler(trial).sample_relative(study, trial, search_space)
        )

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """See optuna."""
        return self._sampler(trial).sample_independent(study, trial, param_name, param_distribution)

    def _fixed(self, study: Study, trial: FrozenTrial) -> Mapping[str, Value] | None:
        """What the trial tries if no sampler draws it."""
        if self._first is None and not self._combinations:
            return None
        position = _position(study, trial)
        if self._combinations:
            return self._combinations[position % len(self._combinations)]
        return self._first if position == 0 else None

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """See optuna."""
        self._drawing.pop(trial.number, None)

    def _sampler(self, trial: FrozenTrial) -> BaseSampler:
        if trial.number not in self._drawing:
            seed = (self._seed * 1_000_003 + trial.number) % 2**32
            sampler: BaseSampler = RandomSampler(seed=seed)
            if self._kind == "tpe":
                sampler = TPESampler(seed=seed, n_startup_trials=_STARTUP)
            self._drawing[trial.number] = sampler
        return self._drawing[trial.number]


def _position(study: Study, trial: FrozenTrial) -> int:
    """How many trials were asked for before this one, or before the interrupted trial that it repeats."""
    original = trial.system_attrs.get(RETRY_OF, trial.number)
    return sum(
        RETRY_OF not in one.system_attrs and not one.user_attrs.get(SURPLUS)
        for one in study.get_trials(deepcopy=False)
        if one.number < original
    )


def make_pruner(kind: str) -> optuna.pruners.BasePruner:
    """The pruner `none`, `median` or `halving`."""
    if kind == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1)
    if kind == "halving":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    return optuna.pruners.NopPruner()
