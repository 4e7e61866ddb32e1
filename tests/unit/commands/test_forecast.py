"""`strokecast forecast` with a small trained model of each kind, and its errors for invalid input."""

from __future__ import annotations

import datetime
import io
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
from strokecast.training import fitting
from strokecast.training import run as training
from strokecast.training.job import TrainingJob

COLUMNS = ["ds", "unique_id", "mean", "lo-50", "hi-50", "lo-80", "hi-80", "lo-95", "hi-95"]
FIRST = datetime.date(2020, 1, 1)
DAYS = 200


def make_table(count: int = DAYS) -> pd.DataFrame:
    """A weekly series, another column, and day types: W from Monday to Saturday, U on Sunday."""
    day = np.arange(count)
    ds = pd.date_range(FIRST, periods=count)
    y = 100 + 30 * np.sin(day * 2 * np.pi / 7) + np.random.default_rng(0).normal(size=count)
    letters = np.where(ds.dayofweek == 6, "U", "W")
    return pd.DataFrame({"ds": ds.strftime("%Y-%m-%d"), "y": y, "bus": 2 * y + 5, "day_type": letters})


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with `seasonal_naive_7`, `ridge` (two seeds; log, covariate, day types) and `linear` (quantiles)."""
    root = tmp_path_factory.mktemp("trained")
    (root / "dvc.yaml").touch()
    (root / "series").mkdir()
    frame = make_table()
    days = [datetime.date.fromisoformat(day) for day in frame["ds"]]
    columns = {name: frame[name].tolist() for name in ("y", "bus", "day_type")}
    pq.write_table(pa.table({"ds": pa.array(days, pa.date32()), **columns}), root / "series/series.parquet")
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
    fitting.fit_rule(job, root / "plain", folder)
    for seed in (1, 2):
        job, folder = prepare("ridge", seed, weeks=[1, 2])
        fitting.fit_estimator(job, root / "rich", folder)
    job, folder = prepare("linear")
    training.train_network(job, root / "plain", folder, lambda row: None)
    rounded = {name: {"mae": 2.0} for name in ("linear", "ridge", "seasonal_naive_7")}
    ranked = {
        "models": [{"model": name} for name in ("linear", "seasonal_naive_7", "ridge")],
        "champion": {"model": "seasonal_naive_7"},
    }
    (root / "reports/forecast").mkdir(parents=True)
    (root / "reports/forecast/metrics.json").write_text(json.dumps(rounded))
    (root / "reports/forecast/summary.json").write_text(json.dumps(ranked))
    return root


RunForecast = Callable[..., Result]


@pytest.fixture
def run_forecast(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunForecast:
    """`run_forecast(frame, model, *options, future=)` runs the command; the output is `tmp_path`/out.csv."""
    monkeypatch.chdir(trained)

    def run(frame: pd.DataFrame, model: str, *options: str, future: pd.DataFrame | None = None) -> Result:
        frame.to_csv(tmp_path / "in.csv", index=False)
        arguments = [
            "--model",
            model,
            "--input",
            str(tmp_path / "in.csv"),
            "--output",
            str(tmp_path / "out.csv"),
            "--no-state",
        ]
        if future is not None:
            future.to_csv(tmp_path / "future.csv", index=False)
            arguments += ["--future", str(tmp_path / "future.csv")]
        return CliRunner().invoke(main, ["forecast", *arguments, *options])

    return run


def future_table(count: int = 7) -> pd.DataFrame:
    """Dates and day types of the days after `make_table()`."""
    return make_table(DAYS + count).tail(count)[["ds", "day_type"]]


def test_a_statistical_forecast_starts_on_the_day_after_the_last_row(
    run_forecast: RunForecast, tmp_path: Path
) -> None:
    result = run_forecast(make_table()[["ds", "y"]], "seasonal_naive_7")
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "out.csv")
    assert list(table.columns) == COLUMNS
    assert table["ds"].tolist() == [f"2020-07-{day}" for day in range(19, 26)]
    assert set(table["unique_id"]) == {"rides"}
    np.testing.assert_allclose(table["mean"], make_table()["y"].tail(7))


def test_the_forecast_equals_that_of_the_backtest_at_the_same_origin(
    run_forecast: RunForecast, trained: Path, tmp_path: Path
) -> None:
    series = backtest.load_series(trained / "rich", specs.SPLITS)
    folder = trained / "models/forecast/ridge/seed-1"
    expected = backtest.load_forecaster("estimator", folder, specs.load(folder, "forecast"), "")(
        series, np.array([150])
    )
    result = run_forecast(make_table(150), "ridge", future=make_table(157).tail(7)[["ds", "day_type"]])
    assert result.exit_code == 0, result.output
    np.testing.assert_allclose(pd.read_csv(tmp_path / "out.csv")["mean"], expected.point[0, :, 0], rtol=1e-5)


def test_a_network_gives_its_median_and_nested_intervals(run_forecast: RunForecast, tmp_path: Path) -> None:
    assert run_forecast(make_table()[["ds", "y"]], "linear", "--horizon", "3").exit_code == 0
    table = pd.read_csv(tmp_path / "out.csv")
    assert list(table.columns) == [*COLUMNS[:2], "median", *COLUMNS[3:]]
    assert len(table) == 3
    ascending = ["lo-95", "lo-80", "lo-50", "median", "hi-50", "hi-80", "hi-95"]
    assert (np.diff(table[ascending].to_numpy(), axis=1) >= 0).all()
    full = run_forecast(make_table()[["ds", "y"]], "linear")
    assert full.exit_code == 0
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out.csv").head(3), table)


def test_the_champion_is_what_validation_chose_and_its_name_is_printed(run_forecast: RunForecast) -> None:
    result = run_forecast(make_table()[["ds", "y"]], "champion")
    assert "seasonal_naive_7 (the champion of reports/forecast)" in result.output


def test_options_seed_parquet_input_and_plot(run_forecast: RunForecast, tmp_path: Path) -> None:
    make_table().to_parquet(tmp_path / "in.parquet")
    options = ["--seed", "2", "--plot", str(tmp_path / "drawn.png"), "--input", str(tmp_path / "in.parquet")]
    result = run_forecast(make_table(), "ridge", *options, future=future_table())
    assert result.exit_code == 0, result.output
    assert (tmp_path / "drawn.png").read_bytes()[:4] == b"\x89PNG"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_an_existing_output_is_overwritten(run_forecast: RunForecast, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("old")
    assert run_forecast(make_table()[["ds", "y"]], "seasonal_naive_7").exit_code == 0
    assert len(pd.read_csv(tmp_path / "out.csv")) == 7


def hourly(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(ds=pd.date_range(FIRST, periods=len(frame), freq="h"))


@pytest.mark.parametrize(
    ("model", "change", "message"),
    [
        ("linear", lambda f: f.drop(index=30), "column ds: 2020-01-31 is missing"),
        (
            "linear",
            lambda f: pd.concat([f, f.iloc[[30]].assign(y=5)]),
            "conflicting_date: 1 rows (2020-01-31 has ",
        ),
        ("linear", lambda f: f.iloc[::7], "rows are 7 days apart (2020-01-08 follows 2020-01-01)"),
        ("linear", hourly, "bad_date: 191 rows (row 2: '2020-01-01 01:00:00', row 3:"),
        ("linear", lambda f: f.head(13), "13 rows (2020-01-01 to 2020-01-13) are too few"),
        ("linear", lambda f: f.head(0), "has a header but no row"),
        (
            "linear",
            lambda f: f.assign(y=f["y"].mask(f.index == 9)),
            "non_numeric: 1 rows (row 10: 2020-01-10 ''); allowed: the value is a finite number",
        ),
        (
            "linear",
            lambda f: f.assign(y=f["y"].mask(f.index == 9, np.inf)),
            "non_numeric: 1 rows (row 10: 2020-01-10 'inf'); allowed: the value is a finite number",
        ),
        ("linear", lambda f: f.drop(columns="y"), "has no column 'y'; allowed: columns ds, y"),
        ("ridge", lambda f: f[["ds", "y"]], "has no column 'bus', 'day_type'"),
        ("ridge", lambda f: f, "the day_type of 2020-07-19 is not known"),
        (
            "ridge",
            lambda f: f.assign(bus=f["bus"].mask(f.index == 9, -1)),
            "transform log is not defined for -1 on 2020-01-10",
        ),
        ("nothing", lambda f: f, "no trained model 'nothing'; choose one of linear, ridge, seasonal_naive_7"),
    ],
)
def test_invalid_input_gives_one_line_and_writes_nothing(
    run_forecast: RunForecast, tmp_path: Path, model: str, change: Any, message: str
) -> None:
    result = run_forecast(change(make_table()), model, "--plot", str(tmp_path / "drawn.png"))
    assert result.exit_code == 1
    assert message in result.output
    assert result.output.startswith("error: ")
    assert result.output.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv"}


@pytest.mark.parametrize(
    ("future", "message"),
    [
        (lambda f: f.head(6), "the day_type of 2020-07-25 is not known"),
        (lambda f: f.drop(index=203), "future column ds: 2020-07-22 is missing"),
        (lambda f: f.assign(day_type="X"), "day_type 'X' on 2020-07-19; choose one of U, W"),
        (lambda f: f[["ds"]], "has no column 'day_type'"),
        (
            lambda f: pd.concat([f, f.head(1).assign(day_type="W")]),
            "conflicting_date: 1 rows (2020-07-19 has 'U' in row 1 and 'W' in row 8)",
        ),
    ],
)
def test_invalid_future_day_types(
    run_forecast: RunForecast, tmp_path: Path, future: Any, message: str
) -> None:
    result = run_forecast(make_table(), "ridge", future=future(future_table()))
    assert (result.exit_code, message in result.output) == (1, True), result.output
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--horizon", "8"], "a horizon of 8 days is not valid; allowed: 1 to 7"),
        (["--seed", "3"], "linear was not trained with seed 3; allowed: 1"),
        (["--input", "nowhere.csv"], "nowhere.csv: no such file"),
        (["--output", "models"], "models is a folder"),
        (["--plot", "drawn.txt"], "a file ending in .png, .svg, .pdf"),
    ],
)
def test_invalid_options(run_forecast: RunForecast, tmp_path: Path, options: list[str], message: str) -> None:
    result = run_forecast(make_table(), "linear", *options)
    assert (result.exit_code, message in result.output) == (1, True), result.output
    assert not (tmp_path / "out.csv").exists()


def with_values(**values: Any) -> Callable[[bytes], bytes]:
    """Replaces values of a JSON object."""
    return lambda data: json.dumps(json.loads(data) | values).encode()


def first_rows(data: bytes) -> bytes:
    """The arrays of a model.npz with one row each, which NumPy would broadcast."""
    result = io.BytesIO()
    with np.load(io.BytesIO(data)) as arrays:
        np.savez(result, **{name: array[:1] if array.ndim else array for name, array in arrays.items()})
    return result.getvalue()


RESTORE = "restore it with `dvc checkout`, or train the model again"


@pytest.mark.parametrize(
    ("model", "name", "damage", "message"),
    [
        ("linear", "model.keras", lambda data: data[:9000], "(it is a truncated or damaged zip archive)"),
        (
            "linear",
            "model.keras",
            lambda data: b"text",
            "cannot be read as a network (it is not a .keras file)",
        ),
        ("linear", "spec.json", lambda data: b"[]", "spec.json: is not a JSON object"),
        (
            "linear",
            "spec.json",
            with_values(horizon=9),
            "model.keras: reads future of shape [7, 7], not the [9, 7] of",
        ),
        (
            "linear",
            "spec.json",
            with_values(input_size=20),
            "reads past of shape [14, 8], not the [20, 8] of spec.json",
        ),
        ("linear", "config.json", lambda data: b"[]", "config.json: is not a JSON object; " + RESTORE),
        ("linear", "config.json", lambda data: b"{}", "config.json: lacks seed; " + RESTORE),
        ("linear", "config.json", with_values(name="gru"), "model.keras: is a linear, not a gru; " + RESTORE),
        ("linear", "calibration.json", lambda data: data[:50], "calibration.json: is not valid JSON ("),
        (
            "linear",
            "calibration.json",
            with_values(low=[[1.0]]),
            "of shape [1, 1], not the [3, 7] of the model",
        ),
        ("linear", "run.json", with_values(parameters=3), "has 784 parameters, not the 3 that were trained"),
        ("linear", "run.json", lambda data: data[:10], "run.json: is not valid JSON ("),
        ("seasonal_naive_7", "model.json", lambda data: data[:30], "model.json: is not valid JSON ("),
        ("seasonal_naive_7", "model.json", lambda data: b"{}", "lacks task, name, config, specification"),
        (
            "seasonal_naive_7",
            "model.json",
            with_values(name="linear"),
            "is not a statistical model; " + RESTORE,
        ),
        ("ridge", "model.npz", lambda data: data[:100], "model.npz: cannot be read ("),
        ("ridge", "model.npz", first_rows, " parameters, not the "),
    ],
)
def test_a_damaged_or_foreign_model_is_one_line(
    run_forecast: RunForecast,
    trained: Path,
    tmp_path: Path,
    model: str,
    name: str,
    damage: Callable[[bytes], bytes],
    message: str,
) -> None:
    folder = trained / f"models/forecast/{model}/seed-1"
    saved = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    n_parameters = 784
    if model == "ridge":
        with np.load(folder / "model.npz") as arrays:
            n_parameters = sum(array.size for array in arrays.values())
    (folder / "run.json").write_text(json.dumps({"status": "finished", "parameters": n_parameters}))
    try:
        (folder / name).write_bytes(damage((folder / name).read_bytes()))
        result = run_forecast(make_table(), model, future=future_table() if model == "ridge" else None)
    finally:
        (folder / "run.json").unlink()
        for path, data in saved.items():
            path.write_bytes(data)
    assert (result.exit_code, message in result.output) == (1, True), result.output
    assert len(result.output.splitlines()) == 1
    assert not (tmp_path / "out.csv").exists()


def test_a_future_without_effect_and_an_output_that_is_the_input_are_refused(
    run_forecast: RunForecast, tmp_path: Path
) -> None:
    result = run_forecast(make_table(), "linear", future=future_table())
    assert "linear uses no features of future days except their dates" in result.output
    before = (tmp_path / "in.csv").read_bytes()
    assert (
        "is also an input"
        in run_forecast(make_table(), "linear", "--output", str(tmp_path / "in.csv")).output
    )
    assert (tmp_path / "in.csv").read_bytes() == before


def test_the_help_text_says_that_outputs_are_overwritten() -> None:
    assert "overwritten" in CliRunner().invoke(main, ["forecast", "--help"]).output


@pytest.mark.parametrize("absent", [(), ("50", "95")])
def test_the_plot_shows_the_intervals_of_the_model(absent: tuple[str, ...]) -> None:
    from strokecast.commands import forecast_plot

    table = make_table(207).tail(7)[["ds", "y"]].rename(columns={"y": "mean"}).assign(unique_id="rides")
    table["ds"] = pd.to_datetime(table["ds"])
    present = [band for band in ("50", "80", "95") if band not in absent]
    for band in present:
        table[f"lo-{band}"], table[f"hi-{band}"] = table["mean"] - int(band), table["mean"] + int(band)
    table = table[["ds", "unique_id", "mean", *(column for column in table if "-" in column)]]
    figure = forecast_plot.plot_forecast(make_table(), table, {"targets": ["y"], "unit": ""}, "linear")
    (axes,) = figure.axes
    labels = {text.get_text() for text in axes.get_legend().get_texts() if "interval" in text.get_text()}
    assert labels == {f"{band} % interval" for band in present}
    heights = [np.ptp(band.get_paths()[0].vertices[:, 1]) for band in axes.collections]
    assert heights == sorted(heights, reverse=True), "the widest is drawn first"
    assert len(heights) == len(present)


def with_ids(frame: pd.DataFrame, ids: tuple[Any, Any]) -> pd.DataFrame:
    """`frame` once per series id."""
    return pd.concat([frame.assign(unique_id=series_id) for series_id in ids], ignore_index=True)


@pytest.mark.parametrize(("input_id", "future_id"), [(7, "7"), ("7", 7), (7, 7.0)])
def test_ids_of_future_rows_match_whatever_their_type(trained: Path, input_id: Any, future_id: Any) -> None:
    from strokecast.inference.forecasting import SeriesForecaster

    folder = trained / "models/forecast/ridge/seed-1"
    model = SeriesForecaster(folder, specs.load(folder, "forecast"))
    table = model.forecast(
        make_table().assign(unique_id=input_id), future_table().assign(unique_id=future_id)
    )
    alone = model.forecast(make_table(), future_table())
    assert table["unique_id"].tolist() == ["7"] * 7
    np.testing.assert_allclose(table["mean"], alone["mean"])


def test_a_model_of_one_series_refuses_several(run_forecast: RunForecast) -> None:
    result = run_forecast(with_ids(make_table()[["ds", "y"]], ("a", "b")), "seasonal_naive_7")
    assert (result.exit_code, result.output.count("\n")) == (1, 1), result.output
    assert "has 2 series (a, b), the model was trained on one; allowed: one unique_id" in result.output


def test_another_level_than_that_of_the_training_series_is_a_warning(run_forecast: RunForecast) -> None:
    table = make_table()[["ds", "y"]]
    assert "warning" not in run_forecast(table, "seasonal_naive_7").output
    result = run_forecast(table.assign(y=table["y"] / 40), "seasonal_naive_7")
    assert (result.exit_code, result.output.count("warning")) == (0, 1), result.output
    assert "rides: the median of its last 200 days is 2.5" in result.output


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (("7", "9"), "future: unique_id '9' on 2020-07-19 is not in the input; choose one of 7, 8"),
        (("7", None), "future.csv: 7 rows have no 'unique_id' (row 8); name their series"),
        (("7",), "future: no row of unique_id '8'; allowed: 7, 8"),
    ],
)
def test_invalid_future_ids(run_forecast: RunForecast, tmp_path: Path, ids: Any, message: str) -> None:
    result = run_forecast(with_ids(make_table(), (7, 8)), "ridge", future=with_ids(future_table(), ids))
    assert (result.exit_code, message in result.output, result.output.count("\n")) == (1, True, 1), (
        result.output
    )
    assert not (tmp_path / "out.csv").exists()


def test_a_model_of_an_earlier_version_must_be_trained_again(
    run_forecast: RunForecast, trained: Path, tmp_path: Path
) -> None:
    path = trained / "models/forecast/linear/seed-1/spec.json"
    text = path.read_text()
    incomplete = {key: value for key, value in json.loads(text).items() if key not in ("targets", "lags")}
    path.write_text(json.dumps(incomplete))
    try:
        result = run_forecast(make_table(), "linear")
    finally:
        path.write_text(text)
    assert result.exit_code == 1
    assert "(no lags, targets); the model is from an earlier version; train it again" in result.output
    assert "`dvc repro train-forecast@linear`" in result.output
    assert result.output.count("\n") == 1
