"""Imports large libraries without optional dependencies that no stage uses."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from strokecast.common import signals

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
    """Import TensorFlow and Keras, without the messages that TensorFlow prints before it reads its log level.

    Inside a stage, Keras is imported with scikit-learn, matplotlib and pandas hidden: Keras uses them
    only for optional adapters that no stage needs. Saves about two seconds per stage. Import errors are
    raised as usual.
    """
    if "tensorflow" in sys.modules:
        return
    sys.stderr.flush()
    stderr = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        with hide_modules(_HIDDEN_FROM_KERAS if signals.in_stage() else ()):
            importlib.import_module("tensorflow")
            importlib.import_module("keras")
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(null)
