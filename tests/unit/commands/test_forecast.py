"""`strokecast forecast` on tiny trained models of each kind, and what it says of input that will not do."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from strokecast.commands.cli import main
from strokecast.common.paths import model_dir
from strokecast.features.records import spec as specs
from strokecast.features.timeseries import forecast
from strokecast.inference import backtest
from strokecast.params import ForecastFeatures, ForecastRecipe
from strokecast.training import run as training
from strokecast.training.job import TrainingJob

COLUMNS = ["ds", "unique_id", "mean", "lo-50", "hi-50", "lo-80", "hi-80", "lo-95", "hi-95"]
FIRST = datetime.date(2020, 1, 1)
DAYS = 200


def table(count: int = DAYS) -> pd.DataFrame:
    """A weekly series, another column, and day types: W from Monday to Saturday, U on Sunday."""
    at = np.arange(count)
    ds = pd.date_range(FIRST, periods=count)
    y = 100 + 30 * np.sin(at * 2 * np.pi / 7) + np.random.default_rng(0).normal(size=count)
    letters = np.where(ds.dayofweek == 6, "U", "W")
    return pd.DataFrame({"ds": ds.strftime("%Y-%m-%d"), "y": y, "bus": 2 * y + 5, "day_type": letters})


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with `seasonal_naive_7`, `ridge` (two seeds; log, covariate, day types) and `linear` (quantiles)."""
    root = tmp_path_factory.mktemp("trained")
    (root / "series").mkdir()
    frame = table()
    days = [datetime.date.fromisoformat(day) for day in frame["ds"]]
    held = {name: frame[name].tolist() for name in ("y", "bus", "day_type")}
    pq.write_table(pa.table({"ds": pa.array(days, pa.date32()), **held}), root / "series/series.parquet")
    (root / "series/report.json").write_text(json.dumps({"source": "csv", "name": "rides", "unit": "rides"}))
    plain = ForecastFeatures(input_size=14, calendar=("weekday",), holiday_country=None, lags=())
    rich = plain.model_copy(
        update={
            "past_covariates": ("bus",),
            "calendar": ("weekday", "day_type"),
            "transform": "log",
            "lags": (28,),
        }
    )
    for name, settings in (("plain", plain), ("rich", rich)):
        forecast.preprocess(root / "series", root / name, settings)

    def prepare(name: str, seed: int = 1, **config: Any) -> tuple[TrainingJob, Path]:
        folder = model_dir("forecast", name, seed, root / "models")
        folder.mkdir(parents=True)
        return TrainingJob.create("forecast", name, seed, config, ForecastRecipe(epochs=2)), folder

    job, folder = prepare("seasonal_naive_7")
    training.fit_rule(job, root / "plain", folder)
    for seed in (1, 2):
        job, folder = prepare("ridge", seed, weeks=[1, 2])
        training.fit_estimator(job, root / "rich", folder)
    job, folder = prepare("linear")
    training.train_network(job, root / "plain", folder, lambda row: None, "cpu")
    rounded = {name: {"mae": 2.0} for name in ("linear", "ridge", "seasonal_naive_7")}
    ranked = {"models": [{"model": name} for name in ("seasonal_naive_7", "linear", "ridge")]}
    (root / "reports/forecast").mkdir(parents=True)
    (root / "reports/forecast/metrics.json").write_text(json.dumps(rounded))
    (root / "reports/forecast/summary.json").write_text(json.dumps(ranked))
    return root


Ask = Callable[..., Result]


@pytest.fixture
def ask(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """`ask(frame, model, *options, future=)`: the command on that input; the output is `tmp_path`/out.csv."""
    monkeypatch.chdir(trained)

    def call(frame: pd.DataFrame, model: str, *options: str, future: pd.DataFrame | None = None) -> Result:
        frame.to_csv(tmp_path / "in.csv", index=False)
        given = ["--model", model, "--input", str(tmp_path / "in.csv"), "--output", str(tmp_path / "out.csv")]
        if future is not None:
            future.to_csv(tmp_path / "future.csv", index=False)
            given += ["--future", str(tmp_path / "future.csv")]
        return CliRunner().invoke(main, ["forecast", *given, *options])

    return call


def coming(count: int = 7) -> pd.DataFrame:
    return table(DAYS + count).tail(count)[["ds", "day_type"]]


def test_a_rule_is_written_with_dates_from_the_day_after_the_last_row(ask: Ask, tmp_path: Path) -> None:
    done = ask(table()[["ds", "y"]], "seasonal_naive_7")
    assert done.exit_code == 0, done.output
    made = pd.read_csv(tmp_path / "out.csv")
    assert list(made.columns) == COLUMNS
    assert made["ds"].tolist() == [f"2020-07-{day}" for day in range(19, 26)]
    assert set(made["unique_id"]) == {"rides"}
    np.testing.assert_allclose(made["mean"], table()["y"].tail(7))


def test_what_is_served_is_what_the_backtest_says_at_that_origin(
    ask: Ask, trained: Path, tmp_path: Path
) -> None:
    known = backtest.load_series(trained / "rich", specs.SPLITS)
    folder = trained / "models/forecast/ridge/seed-1"
    said = backtest.load_forecaster("estimator", folder, specs.load(folder, "forecast"), "")(
        known, np.array([150])
    )
    done = ask(table(150), "ridge", future=table(157).tail(7)[["ds", "day_type"]])
    assert done.exit_code == 0, done.output
    np.testing.assert_allclose(pd.read_csv(tmp_path / "out.csv")["mean"], said.point[0, :, 0], rtol=1e-5)


def test_a_network_gives_its_median_and_intervals_that_nest(ask: Ask, tmp_path: Path) -> None:
    assert ask(table()[["ds", "y"]], "linear", "--horizon", "3").exit_code == 0
    made = pd.read_csv(tmp_path / "out.csv")
    assert list(made.columns) == [*COLUMNS[:2], "median", *COLUMNS[3:]]
    assert len(made) == 3
    rising = ["lo-95", "lo-80", "lo-50", "median", "hi-50", "hi-80", "hi-95"]
    assert (np.diff(made[rising].to_numpy(), axis=1) >= 0).all()
    whole = ask(table()[["ds", "y"]], "linear")
    assert whole.exit_code == 0
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out.csv").head(3), made)


def test_champion_is_the_best_of_the_ranking_and_named(ask: Ask) -> None:
    done = ask(table()[["ds", "y"]], "champion")
    assert "seasonal_naive_7 (the champion of reports/forecast)" in done.output


def test_a_seed_parquet_and_a_plot(ask: Ask, tmp_path: Path) -> None:
    table().to_parquet(tmp_path / "in.parquet")
    options = ["--seed", "2", "--plot", str(tmp_path / "drawn.png"), "--input", str(tmp_path / "in.parquet")]
    done = ask(table(), "ridge", *options, future=coming())
    assert done.exit_code == 0, done.output
    assert (tmp_path / "drawn.png").read_bytes()[:4] == b"\x89PNG"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_an_existing_output_is_overwritten(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("old")
    assert ask(table()[["ds", "y"]], "seasonal_naive_7").exit_code == 0
    assert len(pd.read_csv(tmp_path / "out.csv")) == 7


def hourly(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(ds=pd.date_range(FIRST, periods=len(frame), freq="h"))


@pytest.mark.parametrize(
    ("model", "spoil", "told"),
    [
        ("linear", lambda f: f.drop(index=30), "column ds: 2020-01-31 is missing"),
        ("linear", lambda f: f.iloc[[*range(31), *range(30, 200)]], "2020-01-31 occurs twice"),
        ("linear", lambda f: f.iloc[::7], "rows are 7 days apart (2020-01-08 follows 2020-01-01)"),
        ("linear", hourly, "'2020-01-01 01:00:00' in row 1 is not a day"),
        ("linear", lambda f: f.head(13), "13 rows (2020-01-01 to 2020-01-13) are too few"),
        ("linear", lambda f: f.head(0), "has no row"),
        (
            "linear",
            lambda f: f.assign(y=f["y"].mask(f.index == 9)),
            "nan on 2020-01-10 is not a finite number",
        ),
        (
            "linear",
            lambda f: f.assign(y=f["y"].mask(f.index == 9, np.inf)),
            "inf on 2020-01-10 is not a finite",
        ),
        ("linear", lambda f: f.drop(columns="y"), "has no column 'y'; allowed: columns ds, y"),
        ("ridge", lambda f: f[["ds", "y"]], "has no column 'bus', 'day_type'"),
        ("ridge", lambda f: f, "the day_type of 2020-07-19 is not known"),
        (
            "ridge",
            lambda f: f.assign(bus=f["bus"].mask(f.index == 9, -1)),
            "transform log is not defined for -1 on 2020-01-10",
        ),
        ("nothing", lambda f: f, "no trained model 'nothing'; allowed: linear, ridge, seasonal_naive_7"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    ask: Ask, tmp_path: Path, model: str, spoil: Any, told: str
) -> None:
    done = ask(spoil(table()), model, "--plot", str(tmp_path / "drawn.png"))
    assert done.exit_code == 1
    assert told in done.output
    assert done.output.startswith("error: ")
    assert done.output.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv"}


@pytest.mark.parametrize(
    ("future", "told"),
    [
        (lambda f: f.head(6), "the day_type of 2020-07-25 is not known"),
        (lambda f: f.drop(index=203), "future column ds: 2020-07-22 is missing"),
        (lambda f: f.assign(day_type="X"), "day_type 'X' on 2020-07-19; allowed: U, W"),
        (lambda f: f[["ds"]], "has no column 'day_type'"),
    ],
)
def test_day_types_to_come_that_will_not_do(ask: Ask, tmp_path: Path, future: Any, told: str) -> None:
    done = ask(table(), "ridge", future=future(coming()))
    assert (done.exit_code, told in done.output) == (1, True), done.output
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--horizon", "8"], "a horizon of 8 days is not valid; allowed: 1 to 7"),
        (["--seed", "3"], "linear was not trained with seed 3; allowed: 1"),
        (["--input", "nowhere.csv"], "nowhere.csv: no such file"),
        (["--output", "models"], "models is a folder"),
        (["--plot", "drawn.txt"], "a file ending in .png, .svg, .pdf"),
    ],
)
def test_options_that_will_not_do(ask: Ask, tmp_path: Path, options: list[str], told: str) -> None:
    done = ask(table(), "linear", *options)
    assert (done.exit_code, told in done.output) == (1, True), done.output
    assert not (tmp_path / "out.csv").exists()


def test_a_future_without_effect_and_an_output_that_is_the_input_are_refused(
    ask: Ask, tmp_path: Path
) -> None:
    done = ask(table(), "linear", future=coming())
    assert "linear reads nothing of the days to come but their dates" in done.output
    before = (tmp_path / "in.csv").read_bytes()
    assert "is what is read" in ask(table(), "linear", "--output", str(tmp_path / "in.csv")).output
    assert (tmp_path / "in.csv").read_bytes() == before


def test_help_says_that_an_output_is_overwritten() -> None:
    assert "overwritten" in CliRunner().invoke(main, ["forecast", "--help"]).output


@pytest.mark.parametrize("absent", [(), ("50", "95")])
def test_the_plot_shows_each_interval_that_there_is(absent: tuple[str, ...]) -> None:
    from strokecast.commands import forecast as forecast_command

    made = table(207).tail(7)[["ds", "y"]].rename(columns={"y": "mean"}).assign(unique_id="rides")
    made["ds"] = pd.to_datetime(made["ds"])
    kept = [band for band in ("50", "80", "95") if band not in absent]
    for band in kept:
        made[f"lo-{band}"], made[f"hi-{band}"] = made["mean"] - int(band), made["mean"] + int(band)
    made = made[["ds", "unique_id", "mean", *(column for column in made if "-" in column)]]
    figure = forecast_command._figure(table(), made, {"targets": ["y"], "unit": ""}, "linear")
    (axes,) = figure.axes
    named = {text.get_text() for text in axes.get_legend().get_texts() if "interval" in text.get_text()}
    assert named == {f"{band} % interval" for band in kept}
    heights = [np.ptp(band.get_paths()[0].vertices[:, 1]) for band in axes.collections]
    assert heights == sorted(heights, reverse=True), "the wide ones lie below"
    assert len(heights) == len(kept)


def two(frame: pd.DataFrame, ids: tuple[Any, Any]) -> pd.DataFrame:
    return pd.concat([frame.assign(unique_id=given) for given in ids], ignore_index=True)


@pytest.mark.parametrize(
    ("ours", "theirs"), [((7, 8), ("7", "8")), (("7", "8"), (7, 8)), ((7, 8), (7.0, 8.0))]
)
def test_days_to_come_are_found_whatever_the_type_of_their_ids(
    ask: Ask, trained: Path, ours: tuple[Any, Any], theirs: tuple[Any, Any]
) -> None:
    from strokecast.inference.forecasting import SeriesForecaster

    folder = trained / "models/forecast/ridge/seed-1"
    model = SeriesForecaster(folder, specs.load(folder, "forecast"))
    made = model.forecast(two(table(), ours), two(coming(), theirs))
    alone = model.forecast(table(), coming())
    assert made["unique_id"].tolist() == ["7"] * 7 + ["8"] * 7
    np.testing.assert_allclose(made["mean"], [*alone["mean"], *alone["mean"]])


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (("7", "9"), "future: unique_id '9' on '2020-07-19' is not in the input; allowed: 7, 8"),
        (("7", None), "future: no unique_id on '2020-07-19'; allowed: 7, 8"),
        (("7",), "future: no row of unique_id '8'; allowed: 7, 8"),
    ],
)
def test_ids_to_come_that_will_not_do(ask: Ask, tmp_path: Path, ids: Any, told: str) -> None:
    done = ask(two(table(), (7, 8)), "ridge", future=two(coming(), ids))
    assert (done.exit_code, told in done.output, done.output.count("\n")) == (1, True, 1), done.output
    assert not (tmp_path / "out.csv").exists()


def test_a_model_of_an_earlier_version_is_to_be_trained_again(
    ask: Ask, trained: Path, tmp_path: Path
) -> None:
    path = trained / "models/forecast/linear/seed-1/spec.json"
    whole = path.read_text()
    told = {key: value for key, value in json.loads(whole).items() if key not in ("targets", "lags")}
    path.write_text(json.dumps(told))
    try:
        done = ask(table(), "linear")
    finally:
        path.write_text(whole)
    assert done.exit_code == 1
    assert "(no lags, targets); the model is from an earlier version; train it again" in done.output
    assert "`dvc repro train-forecast@linear`" in done.output
    assert done.output.count("\n") == 1
