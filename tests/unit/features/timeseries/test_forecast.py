"""From a validated series to windows: splits by time, no look-ahead, scaling fitted on train."""

import datetime
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.common.files import digest_tree
from strokecast.features.records import reading, spec
from strokecast.features.timeseries import forecast
from strokecast.params import ForecastFeatures

# day 40 and day 50
SETTINGS = ForecastFeatures(
    input_size=10, horizon=3, valid_from="2020-02-10", test_from="2020-02-20", lags=()
)
MakeSeries = Callable[..., Path]


def test_windows_read_their_past_and_never_cross_an_edge(make_series: MakeSeries, tmp_path: Path) -> None:
    written = forecast.preprocess(make_series(60), tmp_path / "out", SETTINGS)
    assert written == spec.load(tmp_path / "out", "forecast")
    scaling = written["transforms"]["y"]
    train = 100.0 + np.arange(40)
    assert scaling == {
        "kind": "none",
        "power": 0.0,
        "mean": pytest.approx(train.mean()),
        "std": pytest.approx(train.std()),
    }
    edges = {"train": (0, 40), "valid": (40, 50), "test": (50, 60)}
    for split, (start, stop) in edges.items():
        origins = []
        for inputs, target, origin in reading.batches(tmp_path / "out", written, split, 7):
            past = inputs["past"].numpy()[:, :, 0] * scaling["std"] + scaling["mean"] - 100
            future = target.numpy()[:, :, 0] * scaling["std"] + scaling["mean"] - 100
            first = origin.numpy() - (datetime.date(2020, 1, 1) - datetime.date(1970, 1, 1)).days
            np.testing.assert_allclose(past, first[:, None] + np.arange(-10, 0), atol=1e-4)
            np.testing.assert_allclose(future, first[:, None] + np.arange(3), atol=1e-4)
            origins.extend(first.tolist())
        assert origins == list(range(max(start, 10), stop - 3 + 1))
        assert written["splits"][split]["windows"] == len(origins)
        days = pq.read_table(tmp_path / "out" / split / "series.parquet")
        assert days["y"].to_pylist() == [100.0 + day for day in range(start, stop)]
    assert written["splits"]["valid"] == {
        "first": "2020-02-10",
        "last": "2020-02-19",
        "days": 10,
        "windows": 8,
    }


def test_splits_by_shares_do_not_depend_on_later_values(make_series: MakeSeries, tmp_path: Path) -> None:
    settings = ForecastFeatures(input_size=10, horizon=3, valid_from=0.5, test_from=0.75, lags=())
    written = forecast.preprocess(make_series(80), tmp_path / "out", settings)
    assert [written["splits"][name]["days"] for name in spec.SPLITS] == [40, 20, 20]
    before = {split: digest_tree(tmp_path / "out" / split) for split in spec.SPLITS}
    table = pq.read_table(tmp_path / "validated/series/series.parquet").to_pandas()
    table.loc[60:, "y"] = 1e6  # test days only
    table.to_parquet(tmp_path / "validated/series/series.parquet")
    after = forecast.preprocess(tmp_path / "validated/series", tmp_path / "out", settings)
    assert after["transforms"] == written["transforms"]
    assert after["digest"] == written["digest"]
    changed = {split: digest_tree(tmp_path / "out" / split) != digest for split, digest in before.items()}
    assert changed == {"train": False, "valid": False, "test": True}


def test_series_shorter_than_input_size_and_horizon(make_series: MakeSeries, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"the series has 12 days, input_size \(10\) \+ horizon \(3\) need 13"
    ):
        forecast.preprocess(make_series(12), tmp_path / "out", SETTINGS)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("valid_from", "test_from", "line"),
    [
        ("2020-01-11", "2020-02-20", r"train has 10 days, a window in it needs 13 .*move valid_from later"),
        ("2020-02-10", "2020-02-12", r"valid has 2 days, a window in it needs 3 .*test_from later"),
        ("2020-02-10", "2020-02-28", r"test has 2 days, a window in it needs 3 .*move test_from earlier"),
        (
            "2019-12-01",
            "2020-02-20",
            r"valid_from: 2019-12-01 lies outside the series; allowed: after 2020-01-01",
        ),
        ("2020-02-10", "2021-02-20", r"test_from: 2021-02-20 lies outside the series"),
        ("2020-02-10", 0.5, "validation would start on 2020-02-10"),
    ],
)
def test_split_without_a_window_is_named(
    make_series: MakeSeries, tmp_path: Path, valid_from: str, test_from: str | float, line: str
) -> None:
    settings = ForecastFeatures(input_size=10, horizon=3, valid_from=valid_from, test_from=test_from, lags=())
    with pytest.raises(UserError, match=line):
        forecast.preprocess(make_series(60), tmp_path / "out", settings)


def test_gap_is_refused(make_series: MakeSeries, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="2020-01-07 follows 2020-01-05"):
        forecast.preprocess(make_series(60, skip=5), tmp_path / "out", SETTINGS)
