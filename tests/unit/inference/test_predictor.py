"""Loading a predictor from a model's folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from strokecast.common.errors import UserError
from strokecast.inference import predictor


def test_folder_without_a_model_is_reported_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"spec\.json: no such file"):
        predictor.load(tmp_path)


def test_damaged_file_is_named(make_model: Callable[[str, str], Path]) -> None:
    folder = make_model("classify", "logistic")
    (folder / "model.npz").write_bytes(b"not a zip archive")
    with pytest.raises(UserError, match=r"model\.npz: cannot be read"):
        predictor.load(folder)
