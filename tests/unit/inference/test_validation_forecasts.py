"""Validation forecasts come back from their file as they were written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.common.paths import VALIDATION_FORECASTS
from strokecast.inference import validation_forecasts
from strokecast.inference.validation_forecasts import ValidationForecasts

DAYS = np.datetime64("2020-01-01") + np.arange(3)
ACTUAL = np.array([[1e9 + 1, 2.0], [3.0, 4.0], [5.0, 6.0]])


def test_two_series_with_quantiles_are_read_as_written_and_equal_ones_are_equal_bytes(tmp_path: Path) -> None:
    quantiles = np.arange(18.0).reshape(3, 2, 3)
    stored = {
        "Añ/1": ValidationForecasts(DAYS, ACTUAL, quantiles[..., 1], quantiles, (0.1, 0.5, 0.9)),
        "": ValidationForecasts(DAYS[:1], ACTUAL[:1], ACTUAL[:1] + 2, quantiles[:1], (0.1, 0.5, 0.9)),
    }
    validation_forecasts.write(tmp_path, stored)
    first = (tmp_path / VALIDATION_FORECASTS).read_bytes()
    validation_forecasts.write(tmp_path, stored)
    assert (tmp_path / VALIDATION_FORECASTS).read_bytes() == first
    loaded = validation_forecasts.load(tmp_path)
    assert list(loaded) == list(stored)
    for name, forecasts in stored.items():
        assert (loaded[name].days == forecasts.days).all()
        assert (loaded[name].actual == forecasts.actual).all()
        assert loaded[name].point == pytest.approx(forecasts.point)
        assert loaded[name].quantiles == pytest.approx(forecasts.quantiles)
        assert loaded[name].quantile_levels == (0.1, 0.5, 0.9)


def test_errors_are_means_over_the_horizon(tmp_path: Path) -> None:
    forecasts = ValidationForecasts(DAYS[:2], ACTUAL[1:], ACTUAL[1:] + np.array([[1.0, -3.0], [0.0, 1.0]]))
    assert forecasts.errors() == {"2020-01-01": 2.0, "2020-01-02": 0.5}
    validation_forecasts.write(tmp_path, {"": forecasts})
    assert validation_forecasts.load(tmp_path)[""].quantiles is None


@pytest.mark.parametrize(("contents", "message"), [(None, "no such file"), (b"PK broken", "cannot be read")])
def test_a_missing_or_damaged_file_is_one_line(tmp_path: Path, contents: bytes | None, message: str) -> None:
    if contents is not None:
        (tmp_path / VALIDATION_FORECASTS).write_bytes(contents)
    with pytest.raises(UserError, match=rf"{VALIDATION_FORECASTS}: {message}"):
        validation_forecasts.load(tmp_path)
