"""What is fitted without a network: named arrays in `model.npz`, plain ones, no pickle.

An estimator's `build(config, spec)` gives it unfitted; its `fit` fills `arrays`; `save` and `load` keep them.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.common.files import new_file, read_json
from strokecast.models.common import registry

FILE = "model.npz"


class Fitted:
    """Holds nothing but named arrays.

    Attributes:
        arrays: what was fitted; empty before.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}

    @property
    def parameters(self) -> int:
        """Numbers that were fitted (or kept)."""
        return sum(values.size for values in self.arrays.values())

    def save(self, folder: Path) -> None:
        """Write `folder`/model.npz; equal fits give equal bytes."""
        with new_file(folder / FILE) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **self.arrays)  # type: ignore[arg-type]


Kind = TypeVar("Kind", bound=Fitted)


def load(folder: Path, kind: type[Kind]) -> Kind:
    """The fitted estimator of this kind in `folder` (config.json, spec.json, model.npz).

    Raises:
        UserError: if a file is missing, or no such estimator's.
    """
    for name in ("config.json", "spec.json", FILE):
        if not (folder / name).is_file():
            raise UserError("no such file", where=str(folder / name), fix="run `dvc repro` to make the model")
    told = read_json(folder / "config.json")
    config = registry.config(told["task"], told["name"], told["config"])
    estimator = registry.get(told["task"], told["name"]).build(config, read_json(folder / "spec.json"))
    if not isinstance(estimator, kind):
        raise UserError(f"{told['name']} is no {kind.__name__.lower()}", where=str(folder / "config.json"))
    try:
        with np.load(folder / FILE, allow_pickle=False) as stored:
            estimator.arrays = {name: stored[name] for name in stored.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"cannot be read ({error})", where=str(folder / FILE), fix="make it anew") from None
    return estimator
