"""Imports of large libraries without what they ask for on the way and our stages never use."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """Stands for a module until something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def without(absent: Iterable[str] = (), later: Iterable[str] = ()) -> Iterator[None]:
    """Hide modules that are not imported yet from what is imported inside the block.

    Whatever is imported after the block finds all of them as ever.

    Args:
        absent: names whose import fails inside the block, as if they were not installed; for what a
            library can do without.
        later: names that are imported once something of them is asked for.
    """
    placed: dict[str, ModuleType | None] = dict.fromkeys(absent)
    placed |= {name: _Later(name) for name in later}
    placed = {name: module for name, module in placed.items() if name not in sys.modules}
    sys.modules.update(placed)  # type: ignore[arg-type]  # None: the import raises ModuleNotFoundError
    try:
        yield
    finally:
        for name, module in placed.items():
            if name in sys.modules and sys.modules[name] is module:
                del sys.modules[name]
