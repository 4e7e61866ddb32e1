"""The folds of a forecaster lie in the training days."""

import datetime
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.features.records import arrow
from strokecast.features.timeseries import forecast
from strokecast.params import ForecastFeatures
from strokecast.tuning import rolling

FIRST = datetime.date(2020, 1, 1)


def test_blocks_follow_one_another_and_end_a_horizon_before_the_last_training_day():
    last = FIRST + datetime.timedelta(days=99)
    blocks = rolling.edges(FIRST, last, 10, 3, 3)
    assert [stop for _, stop in blocks[:-1]] == [start for start, _ in blocks[1:]]
    assert blocks[0][0] == (last - datetime.timedelta(days=32)).isoformat()
    assert blocks[-1][1] == (last - datetime.timedelta(days=2)).isoformat()
    assert rolling.edges(FIRST, last, 90, 3, 3)[0][0] == (last - datetime.timedelta(days=50)).isoformat()
    with pytest.raises(UserError, match="100 training days are too few for 20 folds"):
        rolling.edges(FIRST, last, 10, 3, 20)


def test_no_fold_holds_a_day_of_validation_or_test(tmp_path):
    validated = tmp_path / "series"
    validated.mkdir()
    days = [FIRST + datetime.timedelta(days=n) for n in range(200)]
    values = 100 + 30 * np.sin(np.arange(200) * 2 * np.pi / 7)
    pq.write_table(pa.table({"ds": pa.array(days, pa.date32()), "y": values}), validated / "series.parquet")
    (validated / "report.json").write_text(json.dumps({"source": "csv"}))
    settings = ForecastFeatures(input_size=14, horizon=3, lags=(), holiday_country=None)
    spec = forecast.preprocess(validated, tmp_path / "processed", settings)
    last = datetime.date.fromisoformat(spec["splits"]["train"]["last"])
    folds = list(rolling.preprocess_folds(validated, spec, settings, 2, tmp_path / "work"))
    ends = []
    for folder in folds:
        tables = {
            split: arrow.read_table(folder / split / "series.parquet") for split in ("train", "valid", "test")
        }
        found = {split: table["ds"].to_pylist() for split, table in tables.items()}
        assert max(found["test"]) == last
        assert max(found["train"]) < min(found["valid"]) <= max(found["valid"]) < last
        ends.append(max(found["train"]))
    assert ends == sorted(set(ends))
