"""Estimators behind raw input: as preprocessing prepares it, whatever is asked together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.features.sketches import strokes
from strokecast.inference import predictor
from strokecast.models.common import estimators

Make = Callable[[str, str], Path]


@pytest.mark.parametrize("name", ["logistic", "nearest_neighbour"])
def test_raw_drawings_get_the_estimators_own_probabilities(
    make_model: Make, specs: dict[str, Any], name: str
) -> None:
    folder, spec = make_model("classify", name), specs["classify"]
    model, fitted = predictor.load(folder), estimators.load(folder)
    rng = np.random.default_rng(1)
    drawings = [np.c_[rng.integers(-40, 40, (n, 2)), np.arange(n) == n - 1] for n in (40, 3, 16, 17, 1)]
    made = model.predict(pd.DataFrame({"strokes": drawings}, index=range(10, 15)))
    assert made.index.tolist() == list(range(10, 15))
    for points, (_, row) in zip(drawings, made.iterrows(), strict=True):
        bound = strokes.bucket_boundary(len(points), spec["bucket_boundaries"])
        padded, length = strokes.scale_and_pad(points, spec["scale"], bound)
        expected = fitted.predict_proba(padded[None], np.array([length]))[0]
        np.testing.assert_allclose(row["probabilities"], expected, atol=1e-6)
        assert row["label"] == spec["classes"][int(np.argmax(expected))]
        assert row["probability"] == max(row["probabilities"])


def test_a_damaged_file_is_named(make_model: Make) -> None:
    folder = make_model("classify", "logistic")
    (folder / "model.npz").write_bytes(b"PK not really")
    with pytest.raises(UserError, match=r"model\.npz: cannot be read"):
        predictor.load(folder)
