"""Weighted means of models: `evaluation.forecast.combinations` and `evaluation.classify.ensembles`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field

from strokecast.common.errors import UserError, suggest
from strokecast.params.base import Strict, to_tuple

if TYPE_CHECKING:
    from strokecast.params.schema import Params

_RESERVED = ("champion",)  # a name that `--model` of the commands reads otherwise
_KEYS = {"classify": "ensembles", "watch": "ensembles", "forecast": "combinations"}

_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


class Combination(Strict):
    """A weighted mean of forecasters. Members and weights are chosen on validation origins, per series."""

    members: Annotated[Literal["all"] | tuple[str, ...], BeforeValidator(to_tuple)] = Field(
        "all", description="models of forecast; all: every one that is enabled"
    )
    top: int | None = Field(
        None,
        ge=1,
        description="only this many members, those with the lowest validation error; null: all members",
    )
    weights: Literal["equal", "inverse_error", "nnls"] = Field(
        "equal",
        description="inverse_error: by 1 / mean squared validation error (Bates and Granger 1969); nnls: non-negative "
        "least squares with sum 1 on validation origins",
    )


class Ensemble(Strict):
    """A weighted mean of the probabilities of classifiers. Members and weights are chosen on validation drawings."""

    members: Annotated[Literal["all"] | tuple[str, ...], BeforeValidator(to_tuple)] = Field(
        "all", description="models of the task; all: every one that is enabled"
    )
    top: int | None = Field(
        None,
        ge=1,
        description="only this many members, those with the highest validation accuracy; null: all members",
    )
    weights: Literal["equal", "log_loss"] = Field(
        "equal", description="log_loss: those with the lowest log loss on validation drawings"
    )


DEFAULT = {
    "weighted_best_3": Combination(top=3, weights="inverse_error"),
    "weighted_best_5": Combination(top=5, weights="nnls"),
}


def check(params: Params, task: str) -> None:
    """Check the names and the members of the combinations or ensembles of a task.

    Raises:
        UserError: for the name of a model, and members that are unknown, switched off, repeated or too few.
    """
    entries, key = params.entries(task), _KEYS[task]
    enabled = [name for name, entry in entries.items() if entry.enabled]
    rows: dict[str, Combination | Ensemble] = getattr(getattr(params.evaluation, task), key)
    for name, combination in rows.items():
        location = f"params.yaml: evaluation.{task}.{key}"
        if not _NAME.fullmatch(name):
            raise UserError(
                f"the name {name!r} is not valid",
                location=location,
                allowed="a lower-case letter, then up to 59 lower-case letters, digits and _",
            )
        if name in entries or name in _RESERVED:
            kind = f"a model of {task}" if name in entries else "reserved"
            raise UserError(
                f"the name {name!r} is {kind}", location=f"{location}.{name}", fix="choose another name"
            )
        if combination.members != "all":
            _check_members(
                combination.members,
                combination.top,
                list(entries),
                enabled,
                task,
                f"{location}.{name}.members",
            )


def _check_members(
    members: Sequence[str],
    top: int | None,
    names: Sequence[str],
    enabled: Sequence[str],
    task: str,
    location: str,
) -> None:
    """Raise a `UserError` for a member that is not in `enabled`, a repeated one, or fewer than two or `top`."""
    for position, member in enumerate(members):
        if member not in enabled:
            is_off = member in names
            problem = "is switched off" if is_off else f"is not a model of {task}"
            fix = "set its enabled: true, or remove it here" if is_off else suggest(member, enabled)
            raise UserError(f"{member!r} {problem}", location=location, allowed=["all", *enabled], fix=fix)
        if member in members[:position]:
            raise UserError(f"{member!r} is repeated", location=location, fix="name each member once")
    smallest = max(2, top or 0)
    if len(members) < smallest:
        raise UserError(
            f"has too few members{f' for top: {top}' if smallest > 2 else ''} ({len(members)})",
            location=location,
            allowed=f"at least {smallest} models, or all",
        )
