"""benchmarks/forecast.py: what it exchanges with other libraries, its settings and its table. No library and no model runs."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from strokecast import params
from strokecast.models.common import resolve

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("forecast", "forecast_exchange", "forecast_ours", "forecast_peers")
HORIZON = 3
DAYS = np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-03-01"))
VALUES = np.arange(len(DAYS), dtype=float) ** 1.5
ORIGINS = DAYS[[40, 47, 54]]


class Modules:
    """The scripts by name."""

    forecast: ModuleType
    forecast_exchange: ModuleType
    forecast_ours: ModuleType
    forecast_peers: ModuleType


@pytest.fixture(scope="module")
def scripts(import_benchmark: Callable[[str], Any]) -> Modules:
    modules = Modules()
    for name in NAMES:
        setattr(modules, name, import_benchmark(name))
    return modules


@pytest.fixture
def question(scripts, tmp_path):
    asked = scripts.forecast_exchange.Question(DAYS, VALUES, ORIGINS, HORIZON, 7, 14)
    asked.write(tmp_path)
    return asked


@pytest.fixture
def last_value(scripts, monkeypatch):
    """A peer that repeats the last value that it is given."""

    def forecast(history: pd.DataFrame) -> pd.DataFrame:
        days = history["ds"].iloc[-1] + pd.to_timedelta(np.arange(1, HORIZON + 1), unit="D")
        return pd.DataFrame({"unique_id": "series", "ds": days, "Last": history["y"].iloc[-1]})

    peer = scripts.forecast_peers.Peer("pandas", "never", lambda request: lambda: forecast)
    monkeypatch.setitem(scripts.forecast_peers.PEERS, "Last", peer)


def test_a_peer_reads_the_days_before_each_origin_and_its_forecasts_come_back(
    scripts, question, last_value, tmp_path
):
    scripts.forecast_peers.main("Last", tmp_path)
    answer = scripts.forecast_exchange.read_forecasts("Last", question, tmp_path)
    before = VALUES[np.searchsorted(DAYS, ORIGINS) - 1]
    assert answer.point.tolist() == np.repeat(before[:, None], HORIZON, axis=1).tolist()
    assert (answer.fitted, answer.version, answer.seconds >= 0) == ("never", pd.__version__, True)
    assert pd.read_parquet(tmp_path / "series.parquet")["ds"].max() < pd.Timestamp(ORIGINS[-1])


@pytest.mark.parametrize("spoil", ["missing", "nan"])
def test_incomplete_forecasts_are_refused(scripts, question, last_value, tmp_path, spoil):
    scripts.forecast_peers.main("Last", tmp_path)
    table = pd.read_parquet(tmp_path / "Last.parquet")
    if spoil == "missing":
        table = table.iloc[:-1]
    else:
        table.loc[0, "forecast"] = np.nan
    table.to_parquet(tmp_path / "Last.parquet")
    with pytest.raises(scripts.forecast_exchange.PeerError, match="1 of 9 forecasts"):
        scripts.forecast_exchange.read_forecasts("Last", question, tmp_path)


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        ((1, "Traceback ...\nModuleNotFoundError: No module named 'torch'\n"), "No module named 'torch'"),
        ((-9, ""), "exit code -9"),
        ((0, ""), "cannot be read"),
        (subprocess.TimeoutExpired("python", 60), "stopped after 1 minutes"),
    ],
)
def test_a_failing_peer_is_one_line_and_the_others_answer(
    scripts, question, last_value, tmp_path, monkeypatch, ends, message
):
    def run(command, **options):
        folder = Path(command[3])
        if command[2] == "Last":
            scripts.forecast_peers.main("Last", folder)
            return subprocess.CompletedProcess(command, 0, "", "")
        if isinstance(ends, Exception):
            raise ends
        return subprocess.CompletedProcess(command, ends[0], "", ends[1])

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(scripts.forecast_exchange, "PYTHON", tmp_path)
    answers, failures = scripts.forecast.ask_peers(["TFT", "Last"], question, 60)
    assert list(answers) == ["Last"]
    (line,) = failures
    assert line.startswith("neuralforecast TFT: no forecasts, ")
    assert message in line
    assert "\n" not in line


def test_a_missing_environment_is_one_line(scripts, question, tmp_path, monkeypatch):
    monkeypatch.setattr(scripts.forecast_exchange, "PYTHON", tmp_path / "python")
    answers, failures = scripts.forecast.ask_peers(["AutoETS"], question, 60)
    assert answers == {}
    assert failures == [
        "statsforecast AutoETS: no forecasts, its environment is missing: run `make peers` (several GB)"
    ]


@pytest.mark.parametrize("series", ["births_1969", "cta", "auckland", "sales.csv"])
def test_only_the_series_its_days_and_its_splits_come_from_a_preset(scripts, series):
    rows = ["ridge", "nhits"]
    values = scripts.forecast_ours.settings(series, rows, 12, Path("data.csv"), ("day", "sold"))
    settings = resolve.resolve(params.parse(values))
    assert list(settings.entries("forecast")) == rows
    assert not any(settings.is_enabled(task) for task in ("classify", "watch", "draw"))
    assert set(values["features"].get("forecast", {})) <= {"valid_from", "test_from"}
    assert (settings.evaluation.forecast.max_origins, settings.evaluation.forecast.refits) == (12, False)
    source = settings.series.source
    assert source == {"births_1969": "births", "cta": "cta"}.get(series, "csv")
    if series == "cta":
        assert str(settings.features.forecast.test_from) == "2019-02-26"
        assert Path(settings.series.cta.files[0]).is_absolute()
    elif source == "csv":
        assert Path(settings.series.csv.path).name == ("sales.csv" if series == "sales.csv" else "data.csv")


def test_predictions_are_averaged_over_seeds(scripts):
    rows = [
        {"model": model, "seed": seed, "origin": origin, "day": day, "forecast": 10 * origin + day + seed}
        for model, seeds in (("a", (1, 3)), ("b", (1,)))
        for seed in seeds
        for origin in (1, 2)
        for day in (1, 2)
    ]
    table = pd.DataFrame(rows).astype({"model": "category"})
    points = scripts.forecast_ours.read_predictions(table)
    assert points["a"].tolist() == [[13, 14], [23, 24]]
    assert points["b"].tolist() == [[12, 13], [22, 23]]


def test_the_table_is_sorted_and_compares_each_row_with_the_champion(scripts):
    actual = np.zeros((3, HORIZON))
    row = scripts.forecast_ours.OurRow
    ours = {"ridge": row(actual + 2.0, 4.0, "once"), "gru": row(actual - 5.0, 60.0, "once")}
    run = scripts.forecast_ours.OurRun(
        "made", "rides", DAYS, VALUES, ORIGINS, actual, 4.0, 14, 1, "ridge", 81.25, ours
    )
    peer = scripts.forecast_exchange.PeerForecasts
    answers = {
        "AutoETS": peer(actual + 1.0, 1.5, "at each origin", "9.9"),
        "NHITS": peer(actual + 3.0, 70.0, "once", "8.8"),
    }
    text = scripts.forecast.report(run, scripts.forecast.all_rows(run, answers))
    lines = text.splitlines()
    assert "made (rides), 3 days ahead at 3 origins, 2020-02-10 to 2020-02-26" in lines[0]
    assert lines[4:8] == [
        "| `AutoETS` | statsforecast 9.9 | 1 | 0.250 | -1 (-1 to -1) | 1.5 | at each origin |",
        "| `ridge`, the champion by validation | strokecast | 2 | 0.500 |  | 4.0 | once |",
        "| `NHITS` | neuralforecast 8.8 | 3 | 0.750 | +1 (1 to 1) | 70.0 | once |",
        "| `gru` | strokecast | 5 | 1.250 | +3 (3 to 3) | 60.0 | once |",
    ]
    assert lines[-1].startswith(
        "The 80 % intervals of the champion, `ridge`, cover 81.2 % of the days. It has a "
    )
    assert "lower MAE than 1 of 2 rows of other libraries" in lines[-1]
    assert lines[-1].endswith("significantly higher one than AutoETS.")


@pytest.mark.parametrize(
    ("value", "text"), [(21838.4, "21,838"), (-1234.5, "-1,234"), (161.23, "161.2"), (0.01234, "0.01234")]
)
def test_large_values_have_no_exponent(scripts, value, text):
    assert scripts.forecast.number(value) == text


def test_the_table_is_written_between_the_marks_of_its_series(scripts, tmp_path):
    page = tmp_path / "results.md"
    marks = [f"<!-- forecasts of {name}: benchmarks/forecast.py -->\nold\n<!-- end -->\n" for name in "ab"]
    page.write_text("first\n" + "between\n".join(marks))
    scripts.forecast.write(page, "b", "new")
    kept = "first\n" + marks[0] + "between\n"
    assert page.read_text() == kept + marks[1].replace("old", "\nnew\n")
    with pytest.raises(SystemExit, match="no line"):
        scripts.forecast.write(page, "c", "new")


def test_options_not_given_depend_on_quick(scripts):
    parse = scripts.forecast.parse_arguments
    quick = parse(["--quick", "--origins", "9"])
    assert (quick.origins, quick.rows, "TFT" in quick.peers) == (9, list(scripts.forecast.QUICK_ROWS), False)
    whole = parse(["--peers"])
    assert (whole.origins, whole.peers, "weighted_best_5" in whole.rows) == (30, [], False)
    assert {"seasonal_naive_7", "lightgbm", "gru"} <= set(whole.rows)
