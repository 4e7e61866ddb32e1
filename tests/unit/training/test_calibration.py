"""The intervals of a training are calibrated on validation origins alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.features.records import spec
from strokecast.features.timeseries.window_transformer import WindowTransformer
from strokecast.inference import backtest, conformal, online_correction, validation_forecasts
from strokecast.training import calibration

LOCATION = "models.forecast.mine"


class Offset:
    """Forecasts the actual values plus 1 at the first origin, plus 2 at the second, and so on."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.origins: list[int] = []

    def __call__(self, series: backtest.Series, origins: Any) -> backtest.Forecast:
        self.origins = origins.tolist()
        self.days = series.days
        offset = np.arange(1, len(origins) + 1)[:, None, None]
        return backtest.Forecast(backtest.actuals(series, self.spec, origins) + offset)


@pytest.fixture
def spec_json(processed_data: Path) -> dict[str, Any]:
    return spec.load(processed_data / "forecast", "forecast")


def test_the_residuals_of_all_validation_origins_are_used(
    processed_data: Path, spec_json: dict[str, Any], tmp_path: Path
) -> None:
    forecaster = Offset(spec_json)
    calibration.write(tmp_path, forecaster, processed_data / "forecast", spec_json, 0, None, LOCATION)
    spans = spec_json["splits"]
    first, last = (np.datetime64(spans["valid"][end]) for end in ("first", "last"))
    assert forecaster.days[-1] == last
    assert forecaster.days[forecaster.origins[0]] == first
    assert forecaster.days[forecaster.origins[-1]] == last - np.timedelta64(spec_json["horizon"] - 1, "D")
    count = len(forecaster.origins)
    assert forecaster.origins == list(range(forecaster.origins[0], forecaster.origins[0] + count))
    kept = validation_forecasts.load(tmp_path)[""]
    assert kept.days.tolist() == forecaster.days[forecaster.origins].tolist()
    assert kept.point - kept.actual == pytest.approx(
        np.tile(np.arange(1.0, count + 1)[:, None], spec_json["horizon"]), rel=1e-4
    )
    stored = conformal.load(tmp_path)
    assert (stored.origins, stored.method) == (count, "absolute")
    assert stored.low.shape == (3, spec_json["horizon"])
    ranks = [min(int(np.ceil(round((count + 1) * level, 9))), count) for level in conformal.LEVELS]
    assert stored.low == pytest.approx(np.tile(np.array(ranks, float)[:, None], spec_json["horizon"]))


def test_a_correction_is_stored_if_it_helps_and_the_files_are_of_corrected_forecasts(
    processed_data: Path, spec_json: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(online_correction, "_MIN_ORIGINS", 4)
    data = processed_data / "forecast"
    assert calibration.write(tmp_path, Offset(spec_json), data, spec_json, 0, None, LOCATION) == {}
    assert online_correction.load(tmp_path) == {}
    own = validation_forecasts.load(tmp_path)[""]
    facts = calibration.write(tmp_path, Offset(spec_json), data, spec_json, 0, None, LOCATION, correct=True)
    correction = online_correction.load(tmp_path)[""]
    assert facts == {"correction": {"": str(correction)}}
    corrected = validation_forecasts.load(tmp_path)[""]
    shifts = correction.shifts(own.actual - own.point, np.arange(len(own.days)))
    assert corrected.point == pytest.approx(np.maximum(own.point + shifts, 0), rel=1e-5)
    assert np.abs(corrected.point - own.actual).mean() < np.abs(own.point - own.actual).mean()


def test_max_origins_limits_the_origins_to_a_few_over_the_whole_split(
    processed_data: Path, spec_json: dict[str, Any], tmp_path: Path
) -> None:
    every, few = Offset(spec_json), Offset(spec_json)
    calibration.write(tmp_path, every, processed_data / "forecast", spec_json, 0, None, LOCATION)
    calibration.write(tmp_path, few, processed_data / "forecast", spec_json, 0, 4, LOCATION)
    assert len(few.origins) == 4 < len(every.origins)
    assert few.origins[0] == every.origins[0]
    assert set(few.origins) <= set(every.origins)
    assert conformal.load(tmp_path).unattainable_levels == [
        0.95
    ]  # ceil(5 * 0.95) = 5 > 4, and 0.8 asks for the largest of 4


def test_origins_without_enough_history_are_skipped_and_no_origin_is_an_error(
    processed_data: Path, spec_json: dict[str, Any], tmp_path: Path
) -> None:
    forecaster = Offset(spec_json)
    days = sum(spec_json["splits"][split]["days"] for split in ("train", "valid"))
    calibration.write(
        tmp_path,
        forecaster,
        processed_data / "forecast",
        spec_json,
        days - spec_json["horizon"] - 1,
        None,
        LOCATION,
    )
    assert forecaster.origins == [days - spec_json["horizon"] - 1, days - spec_json["horizon"]]
    with pytest.raises(
        UserError, match=rf"models\.forecast\.mine: {days} days before the test split are too few"
    ):
        calibration.write(tmp_path, forecaster, processed_data / "forecast", spec_json, days, None, LOCATION)
    assert WindowTransformer(spec_json).min_history <= spec_json["splits"]["train"]["days"]
