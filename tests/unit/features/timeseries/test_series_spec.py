"""Preprocessing of several series for one global model."""

import numpy as np
import pytest
from pydantic import ValidationError

from strokecast.common.errors import UserError
from strokecast.features.records import numpy_reader
from strokecast.features.timeseries import forecast, series_spec
from strokecast.features.timeseries.window_transformer import WindowTransformer
from strokecast.params import ForecastFeatures


def test_each_series_is_scaled_by_its_own_training_days(several_series):
    spec = several_series.spec
    assert series_spec.names(spec) == ("bus", "rail", "tram")
    for name in several_series.days:
        series = series_spec.for_series(spec, name)
        first_valid = np.datetime64(series["splits"]["valid"]["first"])
        train = several_series.values(name)[several_series.dates(name) < first_valid]
        transform = series["transforms"]["y"]
        assert (transform["mean"], transform["std"]) == pytest.approx((train.mean(), train.std()))
    assert len({series["splits"]["test"]["first"] for series in spec["series"].values()}) == 1


def test_windows_have_a_flag_for_their_series(several_series):
    spec = several_series.spec
    windows = numpy_reader.windows(several_series.processed, spec, "train")
    counts = [series["splits"]["train"]["windows"] for series in spec["series"].values()]
    assert len(windows.past) == sum(counts) == spec["splits"]["train"]["windows"]
    at = [spec["channels"].index(f"series: {name}") for name in several_series.days]
    flags = windows.past[:, :, at]
    assert (flags.sum(axis=2) == 1).all()
    assert flags[:, 0].argmax(axis=1).tolist() == np.repeat(np.arange(3), counts).tolist()
    assert np.abs(windows.past[:, :, 0]).max() < 4  # scaled, at every level


def test_values_after_the_training_days_do_not_change_what_is_fitted(several_series, tmp_path):
    spec = several_series.spec
    changed = {}
    for name in several_series.days:
        values = several_series.values(name)
        late = several_series.dates(name) >= np.datetime64(spec["splits"]["valid"]["first"])
        changed[name] = np.where(late, 7 * values + 3, values)
    validated = several_series.write_validated(tmp_path / "validated", changed)
    changed_spec = forecast.preprocess(validated, tmp_path / "processed", several_series.features)
    assert [series["transforms"] for series in changed_spec["series"].values()] == [
        series["transforms"] for series in spec["series"].values()
    ]
    before = numpy_reader.windows(several_series.processed, spec, "train")
    after = numpy_reader.windows(tmp_path / "processed", changed_spec, "train")
    assert np.array_equal(before.past, after.past)
    assert np.array_equal(before.target, after.target)


def test_a_gap_names_its_series(several_series, tmp_path):
    validated = several_series.write_validated(tmp_path / "validated", skip=40)
    with pytest.raises(UserError, match="tram: 2020-02-11 follows 2020-02-09"):
        forecast.preprocess(validated, tmp_path / "processed", several_series.features)
    assert not (tmp_path / "processed").exists()


def test_a_split_outside_a_series_names_the_series(several_series, tmp_path):
    late = several_series.features.model_copy(update={"valid_from": "2019-12-20", "test_from": "2020-06-01"})
    validated = several_series.write_validated(tmp_path / "validated")
    with pytest.raises(UserError, match="series 'bus': 2019-12-20 lies outside"):
        forecast.preprocess(validated, tmp_path / "processed", late)


def test_a_source_with_one_series_is_an_error(several_series, tmp_path):
    validated = several_series.write_validated(tmp_path / "validated")
    (validated / "all.parquet").unlink()
    with pytest.raises(UserError, match=r"the source has only one series.*set series: one"):
        forecast.preprocess(validated, tmp_path / "processed", several_series.features)


def test_series_id_needs_several_series():
    with pytest.raises(ValidationError, match="series_id should be false with series: one"):
        ForecastFeatures(series_id=True)


def test_the_spec_of_one_series_has_no_list_of_series(several_series, tmp_path):
    single = several_series.features.model_copy(update={"series": "one", "series_id": False})
    validated = several_series.write_validated(tmp_path / "validated")
    spec = forecast.preprocess(validated, tmp_path / "processed", single)
    assert "series" not in spec
    assert series_spec.for_series(spec, series_spec.names(spec)[0]) is spec
    mean = WindowTransformer(spec).transforms["y"].mean
    assert mean == pytest.approx(several_series.values("bus")[:160].mean())
