"""Registry of all architectures: `models/<task>/<name>.py` registers itself as `<name>` of `<task>`.

`get` imports the file of the requested architecture and no other. A training therefore depends on its own
architecture only.
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

from strokecast.common.errors import UserError, suggest
from strokecast.models.common.config import Config
from strokecast.models.common.search_space import Dimension
from strokecast.params import DISTIL, TASKS
from strokecast.params.explain import first_error

Build = TypeVar("Build", bound=Callable[..., Any])
Kind = Literal["network", "rule", "estimator"]


@dataclass(frozen=True)
class Pretraining:
    """A network that is trained on the same data before the network of an architecture.

    Attributes:
        build: `build(config, spec)`: the `keras.Model` to pretrain. Its inputs and output are those of the task.
        transfer_weights: `transfer_weights(pretrained, model)`: sets the weights of the architecture's model from
            those of the pretrained network.
    """

    build: Callable[[Any, Mapping[str, Any]], Any]
    transfer_weights: Callable[[Any, Any], None]


@dataclass(frozen=True)
class Architecture:
    """One registered architecture.

    Attributes:
        task: one of `strokecast.params.TASKS`.
        name: name of its file and of its entry in `params.yaml`.
        config: class of its frozen settings.
        testing: small config for tests.
        build: `build(config, spec)`. Returns, by `kind`, a `keras.Model`, a
            `strokecast.models.statistical.base.StatisticalForecaster`, or an unfitted
            `strokecast.models.common.array_model.ArrayModel`: an `estimators.Estimator` for drawings, a
            `strokecast.models.regression.lag_regressor.LagRegressor` for days.
        kind: `network` (trained with TensorFlow), `rule` (statistical forecaster without TensorFlow) or `estimator`
            (fitted with numpy and scikit-learn).
        pretraining: network to train first, for `pretrain_epochs` of the recipe. None: no pretraining.
        requirements: distributions that prediction needs in addition to those of its kind.
        training: recipe keys that this architecture trains with by default; an explicit key of `params.yaml` wins.
            Read-only.
        search_space: key of the config → what `strokecast tune` tries for it. Read-only.
    """

    task: str
    name: str
    config: type[Config]
    testing: Config
    build: Callable[[Any, Mapping[str, Any]], Any]
    kind: Kind
    pretraining: Pretraining | None = None
    requirements: tuple[str, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict, hash=False)
    search_space: Mapping[str, Dimension] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for name in ("training", "search_space"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


_REGISTERED: dict[tuple[str, str], Architecture] = {}


def register(
    task: str,
    name: str,
    config: type[Config],
    testing: Config,
    kind: Kind = "network",
    pretraining: Pretraining | None = None,
    requirements: tuple[str, ...] = (),
    training: Mapping[str, Any] | None = None,
    search_space: Mapping[str, Dimension] | None = None,
) -> Callable[[Build], Build]:
    """Register the decorated `build(config, spec)` as the architecture `name` of `task`; arguments: `Architecture`."""

    def decorate(build: Build) -> Build:
        _REGISTERED[task, name] = Architecture(
            task,
            name,
            config,
            testing,
            build,
            kind,
            pretraining,
            requirements,
            training or {},
            search_space or {},
        )
        return build

    return decorate


def names(task: str) -> list[str]:
    """Sorted names of the architectures of a task. Reads file names and imports none of the files."""
    folder = Path(__file__).parents[1] / task
    return sorted(module.name for module in pkgutil.iter_modules([str(folder)]))


def get(task: str, name: str) -> Architecture:
    """Return the architecture `name` of `task`, or `distil`. Imports its file and no other.

    Raises:
        UserError: if the task or the architecture is unknown; lists the choices.
    """
    if task not in TASKS:
        raise UserError(f"unknown task {task!r}", location="params.yaml: models", allowed=TASKS)
    if name == DISTIL:
        from strokecast.models.common import distil

        return distil.architecture(task)
    if name not in names(task):
        hint = suggest(name.casefold(), names(task))
        raise UserError(
            f"unknown architecture {name!r}",
            location=f"params.yaml: models.{task}.{name}",
            allowed=names(task),
            fix=(f"{hint} Otherwise " if hint else "")
            + f"rename or remove the entry, or add src/strokecast/models/{task}/{name}.py",
        )
    importlib.import_module(f"strokecast.models.{task}.{name}")
    return _REGISTERED[task, name]


def config(task: str, name: str, values: Mapping[str, Any]) -> Config:
    """Validate an architecture's `config:` entry of `params.yaml`.

    Raises:
        UserError: if a key, type or range is not allowed; names the key path, the value and the choices.
    """
    architecture = get(task, name)
    try:
        return architecture.config.model_validate(dict(values))
    except ValidationError as error:
        raise first_error(error, architecture.config, ("models", task, name, "config")) from None
