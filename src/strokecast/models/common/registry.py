"""One registry for all architectures: `models/<task>/<name>.py` registers itself under its name.

Only the file that is asked for is imported, so that a training depends on its own architecture
and on no other.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from strokecast.common.errors import UserError
from strokecast.models.common.config import Config
from strokecast.params import TASKS
from strokecast.params.explain import first_error

Build = TypeVar("Build", bound=Callable[..., Any])
Kind = Literal["network", "rule", "estimator"]


@dataclass(frozen=True)
class Before:
    """A network that is trained before an architecture's own, on the same data.

    Attributes:
        build: `build(config, spec)`: a `keras.Model` whose inputs and output are of the same task.
        carry: (the first network, trained; the architecture's own) → None; sets the weights of the latter.
    """

    build: Callable[[Any, Mapping[str, Any]], Any]
    carry: Callable[[Any, Any], None]


@dataclass(frozen=True)
class Architecture:
    """One registered architecture.

    Attributes:
        task: one of `strokecast.params.TASKS`.
        name: the name of its file and of its entry in `params.yaml`.
        config: its frozen settings class.
        testing: a tiny config for tests.
        build: `build(config, spec)`: a `keras.Model` for a network, a `strokecast.models.statistical.rules.Rule` that
            nothing is trained for, an unfitted `strokecast.models.common.fitted.Fitted` for an estimator (of drawings an
            `estimators.Estimator`, of days a `peers.lagged.Lagged`).
        kind: `network` (trained with TensorFlow), `rule` (no TensorFlow at all) or `estimator` (fitted with
            numpy and scikit-learn).
        before: what is trained first, for `pretrain_epochs` of the recipe; None: nothing can be.
        needs: distributions that its forecasts need beyond those of its kind.
        training: recipe keys that this architecture trains with by default; an explicit key of `params.yaml` wins.
            Read-only.
    """

    task: str
    name: str
    config: type[Config]
    testing: Config
    build: Callable[[Any, Mapping[str, Any]], Any]
    kind: Kind
    before: Before | None = None
    needs: tuple[str, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "training", MappingProxyType(dict(self.training)))


_REGISTERED: dict[tuple[str, str], Architecture] = {}


def register(
    task: str,
    name: str,
    config: type[Config],
    testing: Config,
    kind: Kind = "network",
    before: Before | None = None,
    needs: tuple[str, ...] = (),
    training: Mapping[str, Any] | None = None,
) -> Callable[[Build], Build]:
    """Decorator that registers `build(config, spec)` as the architecture `name` of `task`; see `Architecture`."""

    def decorate(build: Build) -> Build:
        _REGISTERED[task, name] = Architecture(
            task, name, config, testing, build, kind, before, needs, training or {}
        )
        return build

    return decorate


def names(task: str) -> list[str]:
    """The architectures of a task, by their files, without importing any of them."""
    folder = Path(__file__).parents[1] / task
    return sorted(module.name for module in pkgutil.iter_modules([str(folder)]))


def get(task: str, name: str) -> Architecture:
    """The architecture `name` of `task`; imports its file and no other.

    Raises:
        UserError: if there is no such task or architecture; names the choices.
    """
    if task not in TASKS:
        raise UserError(f"unknown task {task!r}", where="params.yaml: models", allowed=", ".join(TASKS))
    if name not in names(task):
        raise UserError(
            f"unknown architecture {name!r}",
            where=f"params.yaml: models.{task}.{name}",
            allowed=", ".join(names(task)),
            fix=f"rename or remove the entry, or add src/strokecast/models/{task}/{name}.py",
        )
    importlib.import_module(f"strokecast.models.{task}.{name}")
    return _REGISTERED[task, name]


def config(task: str, name: str, values: Mapping[str, Any]) -> Config:
    """The typed config of an architecture from its `config:` entry in `params.yaml`.

    Raises:
        UserError: names the key path, the value and what is allowed.
    """
    architecture = get(task, name)
    try:
        return architecture.config.model_validate(dict(values))
    except ValidationError as error:
        raise first_error(error, architecture.config, ("models", task, name, "config")) from None
