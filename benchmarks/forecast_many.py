"""`strokecast forecast` for many series beside a call per series: series/s and peak memory.

    python benchmarks/forecast_many.py --project DIR                              # 1,000 and 10,000 series of 500 days
    python benchmarks/forecast_many.py --project DIR --sizes 20 200 --single 20   # a smoke test

DIR is the folder of a project with trained models of one series (`make repro`). A copy of each model becomes one of as many
series as the largest input has: all with the scaling and calibration of the training series. The values are those of a weekly
pattern with noise around the training mean. Each measurement runs in a process of its own; times exclude the imports of
TensorFlow. `calls` runs the command once for each of some series, each in a file of its own. `loop` calls
`SeriesForecaster.forecast`, which is what MLflow models call, series by series with the days in memory: it does not load the
model, read, check rows or write, which the command does.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from claims import conclude
from own_process import clocks, measure, run_child, since

SEED = 11
MAX_MEMORY_RATIO = 1.2
MIN_SPEED_RATIO = 1.0


def copy_model(project: Path, folder: Path, model: str, names: list[str]) -> None:
    """Write `folder`/models/forecast/<model>/seed-1: a trained model as one of the series `names`."""
    source = min((project / "models/forecast" / model).glob("seed-*"))
    target = folder / "models/forecast" / model / "seed-1"
    target.mkdir(parents=True)
    (folder / "dvc.yaml").touch()
    for name in ("config.json", "model.keras", "model.npz"):
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
    spec = json.loads((source / "spec.json").read_text())
    own = {key: spec[key] for key in ("transforms", "counts", "splits")}
    (target / "spec.json").write_text(json.dumps(spec | {"series": dict.fromkeys(names, own)}))
    calibration = json.loads((source / "calibration.json").read_text())
    (target / "calibration.json").write_text(json.dumps({"series": dict.fromkeys(names, calibration)}))
    if (source / "model.json").is_file():
        stored = json.loads((source / "model.json").read_text())
        stored["specification"] = dict.fromkeys(names, stored["specification"])
        (target / "model.json").write_text(json.dumps(stored))
    if (source / "correction.json").is_file():
        (correction,) = json.loads((source / "correction.json").read_text())["series"].values()
        (target / "correction.json").write_text(json.dumps({"series": dict.fromkeys(names, correction)}))


def write_series(path: Path, names: list[str], n_days: int, level: float, last_day: str) -> None:
    """Write a CSV file with `n_days` days of each series, sorted by series."""
    rng = np.random.default_rng(SEED)
    days = (np.datetime64(last_day) - np.arange(n_days)[::-1]).astype(str).tolist()
    week = 1 + 0.2 * np.sin(np.arange(n_days) * 2 * np.pi / 7)
    with path.open("w", encoding="utf-8") as file:
        file.write("unique_id,ds,y\n")
        for name in names:
            values = np.round(level * week * (1 + 0.02 * rng.normal(size=n_days)), 1).tolist()
            file.writelines(f"{name},{day},{value}\n" for day, value in zip(days, values, strict=True))


def forecast_file(model: str, source: Path, output: Path, jobs: int) -> None:
    """`strokecast forecast`."""
    from strokecast.commands import forecast

    options = forecast.ForecastOptions(model, source, None, output, keep_state=False, jobs=jobs)
    forecast.run(options, lambda _: None)


def child(kind: str, model: str, source: str, output: str, count: str) -> tuple[float, float]:
    """Wall time and processor time of one measurement in seconds. `count` is that of series, or of processes."""
    from strokecast.common.import_hiding import start_tensorflow

    if not Path(f"models/forecast/{model}/seed-1/model.json").is_file():
        start_tensorflow()
    if kind in ("loop", "calls"):
        return forecast_one_by_one(kind, model, Path(source), Path(output), int(count))
    start = clocks()
    forecast_file(model, Path(source), Path(output), int(count))
    return since(start)


def forecast_one_by_one(kind: str, model: str, source: Path, output: Path, count: int) -> tuple[float, float]:
    """Wall time and processor time of the `calls` or the `loop` over the first `count` series."""
    import pandas as pd

    from strokecast.inference import predictor
    from strokecast.inference.forecasting import SeriesForecaster

    forecaster = predictor.load(Path("models/forecast") / model / "seed-1")
    assert isinstance(forecaster, SeriesForecaster)
    frame = pd.read_csv(source)
    series = [rows for _, rows in frame.groupby("unique_id", sort=False)][:count]
    files = [output.with_suffix(f".{number}.csv") for number in range(len(series))]
    for rows, file in zip(series, files, strict=True):
        rows.to_csv(file, index=False)

    def call(number: int) -> Any:
        if kind == "loop":
            return forecaster.forecast(series[number])
        forecast_file(model, files[number], output, 1)
        return pd.read_parquet(output)

    call(0)
    start = clocks()
    tables = [call(number) for number in range(len(series))]
    cost = since(start)
    pd.concat(tables).to_parquet(output, index=False)
    return cost


def largest_difference(folder: Path, model: str, single: int) -> float:
    """The largest relative difference between the loop's forecasts and those of the command."""
    import pandas as pd

    loop, command = (pd.read_parquet(folder / f"{model}-{kind}.parquet") for kind in ("loop", "small"))
    command = command[command["unique_id"].isin(command["unique_id"].unique()[:single])]
    point = loop.columns[2]
    if loop["unique_id"].tolist() != command["unique_id"].tolist():
        return np.inf
    return float(np.abs(loop[point].to_numpy() / command[point].to_numpy() - 1).max())


def main() -> None:
    """Measure, print and conclude."""
    if run_child(child):
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--project", type=Path, default=Path(), help="folder with trained models (.)")
    parser.add_argument(
        "--models",
        nargs="+",
        default=["gru", "seasonal_naive_7"],
        help="trained models (gru seasonal_naive_7)",
    )
    parser.add_argument("--sizes", type=int, nargs=2, default=[1_000, 10_000], help="series (1000 10000)")
    parser.add_argument("--days", type=int, default=500, help="days of each series (500)")
    parser.add_argument("--single", type=int, default=20, help="series of the calls and the loop (20)")
    parser.add_argument("--jobs", type=int, default=1, help="processes of the command (1)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work_dir:
        compare(arguments, Path(work_dir))


def compare(arguments: argparse.Namespace, folder: Path) -> None:
    """Measure in `folder`, print and conclude."""
    small, large = arguments.sizes
    names = [f"series-{number:05d}" for number in range(large)]
    project = arguments.project.resolve()
    spec = json.loads(
        min((project / "models/forecast" / arguments.models[0]).glob("seed-*/spec.json")).read_text()
    )
    level, last_day = spec["transforms"][spec["targets"][0]]["mean"], spec["splits"]["test"]["last"]
    for size, kind in ((small, "small"), (large, "large")):
        write_series(folder / f"{kind}.csv", names[:size], arguments.days, level, last_day)
    claims = []
    for model in arguments.models:
        copy_model(project, folder, model, names)
        runs = {}
        for kind, size, count in (
            ("small", small, arguments.jobs),
            ("large", large, arguments.jobs),
            ("calls", arguments.single, arguments.single),
            ("loop", arguments.single, arguments.single),
        ):
            source = folder / f"{'large' if kind == 'large' else 'small'}.csv"
            output = folder / f"{model}-{kind}.parquet"
            runs[kind] = measure(__file__, folder, kind, model, source, output, count)
            result = runs[kind]
            label = {"calls": "a call per series", "loop": "loop without files"}.get(
                kind, "strokecast forecast"
            )
            print(
                f"{model:18} {label:20} {size:>7,} series {size / result['seconds']:9,.1f} series/s "
                f"{size / result['processor']:9,.1f} per second of processor time "
                f"{result['peak'] / 2**20:7,.0f} MiB",
                flush=True,
            )
        memory = runs["large"]["peak"] / runs["small"]["peak"]
        speeds = {
            kind: (large / runs["large"]["processor"]) / (arguments.single / runs[kind]["processor"])
            for kind in ("calls", "loop")
        }
        difference = largest_difference(folder, model, arguments.single)
        tolerance = 0.0 if (folder / f"models/forecast/{model}/seed-1/model.json").is_file() else 1e-5
        claims += [
            (
                f"{model}: peak memory at {large:,} series at most {MAX_MEMORY_RATIO:g} times that at {small:,}: "
                f"{memory:.3f} times",
                memory <= MAX_MEMORY_RATIO,
            ),
            (
                f"{model}: forecasts equal those of the loop: largest relative difference {difference:.1e}",
                difference <= tolerance,
            ),
        ]
        print(f"{model}: the command / the loop without files, by processor time: {speeds['loop']:.2f}")
        line = f"{model}: at least {MIN_SPEED_RATIO:g} times a call per series, by processor time: {speeds['calls']:.1f}"
        claims.append((line, speeds["calls"] >= MIN_SPEED_RATIO))
    conclude(claims)


if __name__ == "__main__":
    main()
