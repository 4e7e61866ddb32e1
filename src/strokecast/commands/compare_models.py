"""`strokecast compare A B`: two models of one task on the same test set, with a paired interval and every slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from strokecast import params
from strokecast.commands import model_lookup
from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.evaluation.common.tables import format_number, to_markdown
from strokecast.evaluation.promotion import gate, scores
from strokecast.evaluation.promotion.scores import TestScores

_COSTS = ("parameters", "train_seconds")
_SHOWN = ("accuracy", "log_loss", "ece", "recognised", "nll", "mae", "mase", "crps", "coverage_80", *_COSTS)


def compare(a: str, b: str, task: str = "") -> str:
    """The comparison as text: the paired difference, the metrics of both, and the slices.

    Args:
        a: name of a model or a combination, or `champion` for the one that validation chooses.
        b: another one of the same task.
        task: one of `strokecast.params.TASKS`; "": the only task that has both.

    Raises:
        UserError: if no task, or more than one, has both models.
    """
    task = task or _only_task(a, b)
    settings = params.load()
    summary = scores.read_summary(task)
    rows = {str(model["model"]): model for model in summary["models"]}
    names = [model_lookup.find_champion(task) if one == model_lookup.CHAMPION else one for one in (a, b)]
    for name in names:
        if name not in rows:
            raise UserError(
                f"no evaluated model {name!r}", location=str(paths.REPORTS / task), allowed=list(rows)
            )
    if names[0] == names[1]:
        raise UserError(f"{names[0]} is compared with itself", fix="name two models")
    pair = [scores.read(task, name, int(rows[name]["seeds"][0]), settings) for name in names]
    intervals = scores.bootstrap(task, summary, settings)
    metrics = to_markdown(("metric", *names), _metric_rows([rows[name] for name in names]))
    slices = to_markdown(("slice", "n", *names), _slice_rows(*pair))
    return f"{_verdict(task, names, pair, intervals)}\n\n{metrics}\n{slices}".rstrip()


def _only_task(a: str, b: str) -> str:
    names = {a, b} - {model_lookup.CHAMPION}
    tasks = [task for task in params.TASKS if names <= _evaluated(task)]
    if len(tasks) == 1:
        return tasks[0]
    if tasks:
        raise UserError(f"{', '.join(tasks)} have both models", location="--task", allowed=tasks)
    raise UserError(
        f"no task has evaluated both {a!r} and {b!r}",
        location=str(paths.REPORTS),
        allowed=[
            f"{task}: {', '.join(sorted(_evaluated(task)))}" for task in params.TASKS if _evaluated(task)
        ],
    )


def _evaluated(task: str) -> set[str]:
    try:
        return {str(model["model"]) for model in scores.read_summary(task)["models"]}
    except UserError:
        return set()


def _verdict(
    task: str, names: Sequence[str], pair: Sequence[TestScores], intervals: gate.BootstrapSettings
) -> str:
    gain, low, high = gate.paired_gain(pair[0], pair[1], intervals)
    better = (
        f"{names[0]} is better" if low > 0 else f"{names[1]} is better" if high < 0 else "no difference shown"
    )
    values = ", ".join(f"{name} {format_number(one.value)}" for name, one in zip(names, pair, strict=True))
    return (
        f"{task}: {better}: {pair[0].metric} {values}; gain of {names[0]} {format_number(gain)} "
        f"({100 * intervals.level:g} % interval {format_number(low)} to {format_number(high)}, "
        f"{len(pair[0].by_example()):,} test examples, first seed of each)"
    )


def _metric_rows(models: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    return [
        (key, *(format_number(model[key]) if model.get(key) is not None else "-" for model in models))
        for key in _SHOWN
        if any(model.get(key) is not None for model in models)
    ]


def _slice_rows(first: TestScores, second: TestScores) -> list[tuple[str, ...]]:
    return [
        (one.name, f"{one.count:,}", format_number(one.candidate), format_number(one.champion))
        for one in gate.slice_changes(first, second)
    ]
