"""Models without a network: named arrays, stored as plain arrays (no pickle) in `model.npz`.

An architecture's `build(config, spec)` returns an unfitted model. Its `fit` sets `arrays`; `save` writes and `load`
reads them.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from strokecast.common import archives
from strokecast.common.errors import UserError
from strokecast.common.files import check_regular, new_file
from strokecast.models.common import model_folder, registry

FILE = "model.npz"
_DAMAGE_ERRORS = (
    ValueError,
    OSError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    TypeError,
    RuntimeError,
    MemoryError,  # a shape that the file does not hold
)


class ArrayModel:
    """Model whose fitted state consists of named arrays.

    Attributes:
        arrays: fitted state by name; empty before `fit`.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}

    @property
    def parameters(self) -> int:
        """Number of values in `arrays`."""
        return sum(values.size for values in self.arrays.values())

    def selected_config(self) -> dict[str, Any]:
        """Keys of the config that were null, with the values that `fit` chose on the validation split."""
        return {}

    def save(self, model_dir: Path) -> None:
        """Write `model_dir`/model.npz. Equal arrays give equal bytes."""
        with new_file(model_dir / FILE) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **self.arrays)  # type: ignore[arg-type]


Model = TypeVar("Model", bound=ArrayModel)


def load(model_dir: Path, model_class: type[Model]) -> Model:
    """Load the fitted model in `model_dir` (config.json, spec.json, model.npz).

    Raises:
        UserError: if a file is missing or unreadable, or the model is not a `model_class`.
    """
    for name in ("config.json", "spec.json", FILE):
        if not (model_dir / name).exists():
            raise UserError(
                "no such file", location=str(model_dir / name), fix="run `dvc repro` to train the model"
            )
        check_regular(model_dir / name)
    config_json = model_folder.read(model_dir, "config.json", ("task", "name", "config"))
    task, name = config_json["task"], config_json["name"]
    config = registry.config(task, name, config_json["config"])
    model = registry.get(task, name).build(config, model_folder.read(model_dir, "spec.json"))
    if not isinstance(model, model_class):
        raise UserError(
            f"{name} is not a model of type {model_class.__name__}", location=str(model_dir / "config.json")
        )
    try:
        if reason := archives.size_problem(model_dir / FILE):
            raise ValueError(reason)
        with np.load(model_dir / FILE, allow_pickle=False) as stored:
            model.arrays = {name: stored[name] for name in stored.files}
    except _DAMAGE_ERRORS as error:
        raise UserError(
            f"cannot be read ({error})", location=str(model_dir / FILE), fix="train the model again"
        ) from None
    model_folder.check_parameters(model_dir / FILE, model.parameters)
    return model
