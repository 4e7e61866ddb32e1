"""Imports large libraries without optional dependencies that no stage uses."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from strokecast.common import environment, signals
from strokecast.common.errors import UserError

# Keras uses these only for optional adapters.
_HIDDEN_FROM_KERAS = ("sklearn", "matplotlib", "pandas")


class _LazyModule(ModuleType):
    """Placeholder for a module that is imported when one of its attributes is first accessed."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def hide_modules(absent: Iterable[str] = (), lazy: Iterable[str] = ()) -> Iterator[None]:
    """Hide modules that are not imported yet from imports inside the block.

    Imports after the block find all of them as usual.

    Args:
        absent: names whose import fails inside the block, as if they were not installed; for optional
            dependencies.
        lazy: names that are imported at the first access to one of their attributes.
    """
    placed: dict[str, ModuleType | None] = dict.fromkeys(absent)
    placed |= {name: _LazyModule(name) for name in lazy}
    placed = {name: module for name, module in placed.items() if name not in sys.modules}
    sys.modules.update(placed)  # type: ignore[arg-type]  # None: the import raises ModuleNotFoundError
    try:
        yield
    finally:
        for name, module in placed.items():
            if name in sys.modules and sys.modules[name] is module:
                del sys.modules[name]


def start_tensorflow() -> None:
    """Import TensorFlow and Keras in Keras's default configuration, without TensorFlow's first messages.

    TensorFlow prints these before it reads its log level. Neither `KERAS_BACKEND` nor a `keras.json` has an effect: float32,
    channels last, backend TensorFlow. These variables have their previous values afterwards.

    Inside a stage, Keras is imported with scikit-learn, matplotlib and pandas hidden: Keras uses them
    only for optional adapters that no stage needs. Saves about two seconds per stage. Import errors are
    raised as usual.

    Raises:
        UserError: if this process imported Keras with another backend before.
    """
    if "keras" not in sys.modules or "tensorflow" not in sys.modules:
        hidden = _HIDDEN_FROM_KERAS if signals.in_stage() else ()
        with _default_keras(), _discarded_stderr(), hide_modules(hidden):
            importlib.import_module("tensorflow")
            importlib.import_module("keras")
    import keras

    if keras.config.backend() != "tensorflow":
        raise UserError(
            f"Keras was imported with the backend {keras.config.backend()!r}",
            allowed="tensorflow",
            fix="set KERAS_BACKEND=tensorflow before the first import of Keras",
        )
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")


@contextmanager
def _default_keras() -> Iterator[None]:
    """Set the variables that make Keras ignore its user's configuration, inside the block."""
    previous = {name: os.environ.get(name) for name in environment.KERAS}
    os.environ.update(environment.KERAS)
    try:
        yield
    finally:
        for name, value in previous.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _discarded_stderr() -> Iterator[None]:
    """Discard what libraries in C write to stderr inside the block."""
    sys.stderr.flush()
    stderr = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(null)
