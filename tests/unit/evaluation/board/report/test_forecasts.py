"""The forecasts that the page can draw."""

import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast.common.files import read_json
from strokecast.evaluation.board.report.forecasts import forecast_data, forecasts_section


@pytest.fixture(scope="module")
def summary(reports):
    return read_json(reports / "forecast/summary.json")


def test_every_origin_and_day_is_there(reports, summary, series):
    data = forecasts_section(reports / "forecast", summary).data
    (one,) = data["series"]
    assert (data["models"], data["horizon"], data["levels"]) == (
        ["sharp", "naive", "offset"],
        7,
        [50, 80, 95],
    )
    assert [regime["name"] for regime in data["regimes"]] == ["before", "after"]
    assert len(one["origins"]) == one["total_origins"] == 194
    assert one["first_day"] == str(series.days[530])
    assert one["actual"] == pytest.approx(series.values[530:], rel=1e-4)
    naive = one["forecasts"]["naive"]
    assert set(naive) == {"point", "lo-50", "hi-50", "lo-80", "hi-80", "lo-95", "hi-95"}
    at = one["origins"].index(str(series.days[540]))
    assert naive["point"][7 * at : 7 * at + 7] == pytest.approx(series.values[533:540], rel=1e-4)
    assert naive["lo-80"][7 * at] == pytest.approx(series.values[533] - 64, rel=1e-4)


def test_beyond_the_limit_origins_are_left_out_evenly(reports, summary):
    per_origin = 3 * 7 * 7
    data = forecast_data(reports / "forecast/predictions.parquet", summary, {}, max_values=5 * per_origin)
    (one,) = data["series"]
    every = forecast_data(reports / "forecast/predictions.parquet", summary, {})["series"][0]
    assert (len(one["origins"]), one["total_origins"]) == (5, 194)
    assert (one["origins"][0], one["origins"][-1]) == (every["origins"][0], every["origins"][-1])
    assert one["forecasts"]["sharp"]["point"][-7:] == every["forecasts"]["sharp"]["point"][-7:]


def test_further_series_are_left_out_before_a_series_gets_few_origins(tmp_path):
    start = datetime.date(2020, 1, 1)
    rows = [
        {"model": "one", "seed": 3, "unique_id": name, "origin": start + datetime.timedelta(origin),
         "ds": start + datetime.timedelta(origin + ahead), "actual": 100 * at + origin + ahead, "forecast": 12345.678}
        for at, name in enumerate("abc") for origin in range(30) for ahead in range(2)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "predictions.parquet")
    summary = {"horizon": 2, "models": [{"model": "one", "seeds": [3]}], "regimes": [], "unit": ""}
    data = forecast_data(tmp_path / "predictions.parquet", summary, {}, max_values=2 * 2 * 20)
    assert ([one["id"] for one in data["series"]], data["total_series"]) == (["a", "b"], 3)
    second = data["series"][1]
    assert (len(second["origins"]), second["total_origins"]) == (20, 30)
    assert (second["first_day"], second["actual"][:3]) == ("2020-01-01", [100, 101, 102])
    assert second["forecasts"]["one"] == {"point": [12346] * 40}
