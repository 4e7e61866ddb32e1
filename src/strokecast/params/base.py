"""The strict base model of all sections of `params.yaml`, and shared field types."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.common import names
from strokecast.params.explain import to_date_text

TASKS = ("classify", "watch", "draw", "forecast")
DATASETS = ("sketches", "series")

AUTO: Final = "auto"  # a value that depends on the data
Action = Literal["stop", "quarantine", "warn"]
Rejection = Literal["stop", "quarantine"]  # for rows that later stages cannot use


def empty_mapping(value: Any) -> Any:
    """YAML reads a mapping without keys as null."""
    return {} if value is None else value


def to_tuple(value: Any) -> Any:
    """A YAML list as a tuple, because the models are frozen."""
    return tuple(value) if isinstance(value, list) else value


def _check_name(value: str) -> str:
    """Raise an error if a column, series or unit cannot have this name. "" stands for none."""
    if value and (reason := names.problem(value)):
        raise PydanticCustomError(
            "name",
            "should be at most {size} bytes of text without line breaks, control and direction characters; it {reason}",
            {"reason": reason, "size": names.MAX_BYTES},
        )
    return value


Day = Annotated[str, BeforeValidator(to_date_text)]
Words = Annotated[tuple[str, ...], BeforeValidator(to_tuple)]
Name = Annotated[str, AfterValidator(_check_name)]
Names = Annotated[tuple[Name, ...], BeforeValidator(to_tuple)]
Ints = Annotated[tuple[int, ...], BeforeValidator(to_tuple)]
Settings = Annotated[dict[str, Any], BeforeValidator(empty_mapping)]
Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class Strict(BaseModel):
    """Frozen; an unknown key or a wrong type is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, protected_namespaces=(), allow_inf_nan=False
    )

    @model_validator(mode="before")
    @classmethod
    def _empty(cls, values: Any) -> Any:
        """A section without keys: all its keys have their defaults."""
        return empty_mapping(values)


def with_default(model: type[BaseModel], name: str, default: Any) -> Any:
    """The field `name` of `model` with another default and the same constraints and description, for a subclass."""
    field = copy.copy(model.model_fields[name])
    field.default = default
    return field


def ascending(values: Sequence[float], name: str) -> None:
    """Raise an error if the numbers are not strictly ascending."""
    for before, after in itertools.pairwise(values):
        if before >= after:
            raise PydanticCustomError(
                "ascending",
                "{name} should be strictly ascending, but {after} follows {before}",
                {"name": name, "before": before, "after": after},
            )
