"""The order in which the trainings of a run start: the longest first, so that no machine waits for one that began last."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping

from strokecast.common import files, paths
from strokecast.common.errors import UserError
from strokecast.params import DISTIL, TASKS
from strokecast.params.schema import Params

_SLOWEST_FIRST = ("draw", "classify", "watch", "forecast")  # by the mean time of the default networks
_Trainings = Mapping[str, tuple[str, str]]  # stage → task and name of the model


def longest_first(needs: Mapping[str, frozenset[str]], settings: Params) -> dict[str, frozenset[str]]:
    """`needs` with all stages before the trainings, and the trainings in the order of their expected time.

    The last training of the same model says how long it takes. Networks without one come first, by their task, models
    without a network after the others, and those that are switched off at the end.

    Args:
        needs: by stage: the stages that it depends on.
        settings: with the models.
    """
    trainings, off = _trainings(settings), switched_off(settings)
    seconds = {
        stage: math.inf if stage not in trainings else 0.0 if stage in off else _seconds(*trainings[stage])
        for stage in needs
    }

    def rank(stage: str) -> tuple[bool, float, int]:
        is_training = stage in trainings
        return is_training, -seconds[stage], _SLOWEST_FIRST.index(trainings[stage][0]) if is_training else 0

    return {stage: needs[stage] for stage in sorted(needs, key=rank)}


def switched_off(settings: Params) -> frozenset[str]:
    """The stages of the models that `settings` switches off."""
    return frozenset(
        stage
        for stage, (task, name) in _trainings(settings).items()
        if not settings.entries(task)[name].enabled
    )


def _trainings(settings: Params) -> _Trainings:
    return {
        f"train-{DISTIL}@{task}" if name == DISTIL else f"train-{task}@{name}": (task, name)
        for task in TASKS
        for name in settings.entries(task)
    }


def _seconds(task: str, name: str) -> float:
    """The time of the last training of a model, over all seeds."""
    with contextlib.suppress(OSError, UserError, KeyError):  # damaged, or of a training that failed
        seconds = [
            float(files.read_json(path)["train_seconds"])
            for path in (paths.MODELS / task / name).glob("seed-*/run.json")
        ]
        if seconds:
            return sum(seconds)
    from strokecast.models.common import registry

    return math.inf if name == DISTIL or registry.get(task, name).kind == "network" else 0.0
