"""The JSON files of a trained model's folder, and whether the model beside them is the one that they describe."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError
from strokecast.common.files import read_json

RESTORE = "restore it with `dvc checkout`, or train the model again"


def read(folder: Path, name: str, keys: Iterable[str] = ()) -> dict[str, Any]:
    """Read a JSON file of a model folder.

    Args:
        folder: the model folder.
        name: of the file, such as `config.json`.
        keys: that it must have.

    Raises:
        UserError: if it is missing, is not a JSON object, or lacks a key.
    """
    path = folder / name
    try:
        contents = read_json(path)
    except FileNotFoundError:
        raise UserError(
            "no such file", location=str(path), fix="run `dvc repro` to train the model"
        ) from None
    if not isinstance(contents, dict):
        raise UserError("is not a JSON object", location=str(path), fix=RESTORE)
    missing = [key for key in keys if key not in contents]
    if missing:
        raise UserError(f"lacks {', '.join(missing)}", location=str(path), fix=RESTORE)
    return contents


def check_parameters(path: Path, n_parameters: int) -> None:
    """Check the number of parameters of a loaded model against run.json, if that lies beside it.

    Args:
        path: of the model.
        n_parameters: of the model.

    Raises:
        UserError: if they differ, because the file is of another model.
    """
    if not (path.parent / "run.json").exists():
        return
    expected = read(path.parent, "run.json").get("parameters")
    if expected is not None and expected != n_parameters:
        raise UserError(
            f"has {n_parameters:,} parameters, not the {expected:,} that were trained",
            location=str(path),
            fix=RESTORE,
        )
