"""Forecasts of global models, which learned several series."""

import numpy as np
import pytest

from strokecast.inference import backtest, conformal


@pytest.mark.parametrize("model", ["seasonal_naive_7", "ridge", "linear"])
def test_forecasts_do_not_depend_on_values_after_their_origin(several_series, model):
    spec = several_series.spec
    forecaster = backtest.load_forecaster(
        several_series.kinds[model], several_series.model_dir(model), spec, "here"
    )
    splits = ("train", "valid", "test")
    series = {
        name: backtest.load_series(several_series.processed, splits, name) for name in several_series.days
    }
    origin = series["bus"].starts["test"]
    day = series["bus"].days[origin]

    def forecast(name: str, shift: float) -> np.ndarray:
        days, y = series[name].days, series[name].columns["y"]
        shifted = np.where(days >= day, y + shift, y)
        changed = backtest.Series(days, {"y": shifted}, series[name].starts, name)
        return forecaster(changed, np.flatnonzero(days == day)).point

    for name, level in several_series.level.items():
        assert np.array_equal(forecast(name, 0.0), forecast(name, 1000.0))
        assert forecast(name, 0.0).mean() == pytest.approx(level, rel=0.5)  # in the unit of the series


def test_each_series_has_its_own_intervals(several_series):
    folder = several_series.model_dir("ridge")
    widths = {name: conformal.load(folder, name).high[-1].mean() for name in several_series.days}
    assert widths["rail"] > 10 * widths["bus"] > 10 * widths["tram"]
