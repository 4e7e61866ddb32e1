"""Custom Keras layers, one job per file. Every class is registered under the package `strokecast`."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any


def custom_objects() -> dict[str, Any]:
    """Import every module of this folder, so that Keras can load models with these layers.

    Returns:
        {registered name: class}, names of earlier versions (`layers/legacy.py`) included.
    """
    import keras

    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    registered: dict[str, Any] = keras.saving.get_custom_objects()
    return {name: value for name, value in registered.items() if name.startswith("strokecast>")}
