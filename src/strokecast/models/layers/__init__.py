"""Layers of our own, one job a file; every class registered under the package `strokecast`."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any


def custom_objects() -> dict[str, Any]:
    """Import every file of this folder, so that Keras knows all our layers; {registered name: class}."""
    import keras

    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    known: dict[str, Any] = keras.saving.get_custom_objects()
    return {name: thing for name, thing in known.items() if name.startswith("strokecast>")}
