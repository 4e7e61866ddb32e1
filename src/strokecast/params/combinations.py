"""Weighted means of forecasters: `evaluation.forecast.combinations`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field

from strokecast.common.errors import UserError, suggest
from strokecast.params.base import Strict, to_tuple

if TYPE_CHECKING:
    from strokecast.params.schema import Params

_LOCATION = "params.yaml: evaluation.forecast.combinations"
_RESERVED = ("champion",)  # a name that `strokecast forecast --model` reads otherwise

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


DEFAULT = {"weighted_best_5": Combination(top=5, weights="nnls")}


def check(params: Params) -> None:
    """Check the names and the members of the combinations.

    Raises:
        UserError: for the name of a model, and members that are unknown, switched off, repeated or too few.
    """
    entries = params.entries("forecast")
    enabled = [name for name, entry in entries.items() if entry.enabled]
    for name, combination in params.evaluation.forecast.combinations.items():
        location = f"{_LOCATION}.{name}"
        if not _NAME.fullmatch(name):
            raise UserError(
                f"the name {name!r} is not valid",
                location=_LOCATION,
                allowed="a lower-case letter, then up to 59 lower-case letters, digits and _",
            )
        if name in entries or name in _RESERVED:
            kind = "a model of forecast" if name in entries else "reserved"
            raise UserError(f"the name {name!r} is {kind}", location=location, fix="choose another name")
        if combination.members == "all":
            continue
        location += ".members"
        for position, member in enumerate(combination.members):
            if member not in enabled:
                is_off = member in entries
                problem = "is switched off" if is_off else "is not a model of forecast"
                fix = "set its enabled: true, or remove it here" if is_off else suggest(member, enabled)
                raise UserError(
                    f"{member!r} {problem}", location=location, allowed=["all", *enabled], fix=fix
                )
            if member in combination.members[:position]:
                raise UserError(f"{member!r} is repeated", location=location, fix="name each member once")
        smallest = max(2, combination.top or 0)
        if len(combination.members) < smallest:
            top = f" for top: {combination.top}" if smallest > 2 else ""
            raise UserError(
                f"has too few members{top} ({len(combination.members)})",
                location=location,
                allowed=f"at least {smallest} models, or all",
            )
