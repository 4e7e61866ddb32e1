"""One-step forecasts of Géron's Hands-On Machine Learning: the notebook's figures beside strokecast's.

    python benchmarks/book.py                           # downloads the series, trains 15 networks, prints the table
    python benchmarks/book.py --data cta.csv --seeds 1  # a local export of the series, 5 networks

The presets `book`, `book_multivariate` and `book_multitask` have the networks, data, split and recipes of chapter 15 of
the 3rd edition. The stages params, download, validate, preprocess, train and evaluate run in a temporary folder as
`dvc repro` would run them.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from project import preset_params, run_stage, write_params


class NotebookFigure(NamedTuple):
    """A validation MAE of the notebook.

    Attributes:
        network: the notebook's name of the network.
        preset: the preset that trains it.
        model: its name in `models.forecast` of the preset.
        column: the target that the MAE is about; `y` is rail.
        mae: in boardings, of a single training.
    """

    network: str
    preset: str
    model: str
    column: str
    mae: int


# Source: 15_processing_sequences_using_rnns_and_cnns.ipynb, https://github.com/ageron/handson-ml3
NOTEBOOK = (
    NotebookFigure("linear", "book", "linear", "y", 37866),
    NotebookFigure("simple RNN", "book", "simple_rnn", "y", 29015),
    NotebookFigure("deep RNN", "book", "deep_rnn", "y", 31211),
    NotebookFigure("multivariate", "book_multivariate", "simple_rnn", "y", 22062),
    NotebookFigure("multitask, bus", "book_multitask", "simple_rnn", "bus", 26369),
    NotebookFigure("multitask, rail", "book_multitask", "simple_rnn", "y", 25330),
)
PRESETS = tuple(dict.fromkeys(figure.preset for figure in NOTEBOOK))
NOTE = """Validation: 2019-02-26 to 2019-05-31, the 95 days that the notebook's validation windows forecast. The notebook
and strokecast both keep the epoch with the lowest MAE on these days, so the figure is optimistic for other days. Test:
from 2019-06-01 on, opened once, by the stage evaluate. The break is that of COVID-19."""


def settings(preset: str, data: Path | None = None, seeds: int | None = None) -> dict[str, Any]:
    """Contents of params.yaml with a preset applied; `models.forecast` has the enabled models only.

    Args:
        preset: one of `PRESETS`.
        data: a local export of the boardings; None: download.
        seeds: number of trainings per network, seeds 1 to `seeds`; None: the preset's seeds.
    """
    values = preset_params(preset)
    if data is not None:
        values["series"]["cta"]["files"] = [str(data)]
    forecasters = {name: entry for name, entry in values["models"]["forecast"].items() if entry["enabled"]}
    if seeds is not None:
        forecasters = {
            name: {**entry, "seeds": list(range(1, seeds + 1))} for name, entry in forecasters.items()
        }
    values["models"]["forecast"] = forecasters
    return values


def train(folder: Path, values: Mapping[str, Any], data_from: Path) -> None:
    """Run the stages of the task forecast in `folder`; stages that have finished there are skipped.

    Args:
        folder: a project folder; it is created if it does not exist.
        values: contents of its params.yaml.
        data_from: a project folder with the same series and splits; its validated data are copied if it has them.

    Raises:
        SystemExit: with the stage's message if a stage fails.
    """
    for data in ("data/raw/series", "data/validated/series"):
        if (data_from / data).is_dir() and not (folder / data).is_dir():
            shutil.copytree(data_from / data, folder / data)
    write_params(folder, values)
    stages = [
        (("download", "series"), "data/raw/series"),
        (("validate", "series"), "data/validated/series"),
        (("preprocess", "forecast"), "data/processed/forecast"),
        *((("train", "forecast", name), f"models/forecast/{name}") for name in values["models"]["forecast"]),
        (("evaluate", "forecast"), "reports/forecast"),
    ]
    for (stage, *arguments), output in stages:
        if not (folder / output).is_dir():
            run_stage(folder, stage, *arguments)


def validation_mae(folder: Path, model: str) -> list[dict[str, float]]:
    """MAE in boardings over all validation days: target → MAE, one mapping per training of `model`."""
    from strokecast.features.records import spec as specs
    from strokecast.features.timeseries import origins
    from strokecast.inference import backtest

    processed = folder / "data" / "processed" / "forecast"
    spec = specs.load(processed, "forecast")
    series = backtest.load_series(processed, ("train", "valid"))
    positions = origins.rolling(series.starts["valid"], len(series.days), int(spec["input_size"]), 1)
    actual = backtest.actuals(series, spec, positions)
    errors = []
    for model_dir in model_dirs(folder, model):
        forecaster = backtest.load_forecaster("network", model_dir, spec, f"models.forecast.{model}")
        error = np.abs(forecaster(series, positions).point - actual).mean(axis=(0, 1))
        errors.append(dict(zip(spec["targets"], map(float, error), strict=True)))
    return errors


def model_dirs(folder: Path, model: str) -> list[Path]:
    """Folders of the trainings of `model`, in the order of their seeds."""
    from strokecast.common import paths

    return paths.model_dirs("forecast", model, folder / "models")


def metric_on_test(folder: Path, model: str, key: str) -> str:
    """A figure of `reports/forecast/metrics.json` with its spread over the seeds; "-" if it is absent."""
    from strokecast.common.files import read_json

    metrics = read_json(folder / "reports" / "forecast" / "metrics.json")[model]
    if key not in metrics:
        return "-"
    spread = metrics.get(f"{key}_spread")
    return f"{metrics[key]:,.0f}" + (f" ± {spread:,.0f}" if spread is not None else "")


def report(folder: Path, figures: Sequence[NotebookFigure] = NOTEBOOK) -> str:
    """The table in Markdown, from the outputs of the stages in `folder/<preset>`."""
    from strokecast.common.files import read_json

    header = ["MAE, boardings", "notebook, validation", "strokecast, validation", "strokecast / notebook"]
    rows = [[*header, "strokecast, test", "strokecast, test before the break", "best epochs"]]
    for figure in figures:
        project, model, column = folder / figure.preset, figure.model, figure.column
        errors = [by_target[column] for by_target in validation_mae(project, model)]
        is_first = column == "y"
        best_epochs = [read_json(path / "run.json")["best_epoch"] for path in model_dirs(project, model)]
        rows.append(
            [
                figure.network,
                f"{figure.mae:,}",
                mean_and_deviation(errors),
                f"{statistics.fmean(errors) / figure.mae:.2f}",
                metric_on_test(project, model, "mae" if is_first else f"mae_target_{column}"),
                metric_on_test(project, model, "mae_regime_before_break") if is_first else "-",
                ", ".join(map(str, best_epochs)),
            ]
        )
    return f"{markdown_table(rows)}\n\n{NOTE}"


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a Markdown table; the first row is the header."""
    rule = ["---", *("---:" for _ in rows[0][1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], rule, *rows[1:]])


def mean_and_deviation(values: Sequence[float]) -> str:
    """Mean and, of several values, standard deviation."""
    deviation = f" ± {statistics.stdev(values):,.0f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):,.0f}{deviation}"


def main() -> None:
    """Train, evaluate and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="local export of the boardings (default: download)")
    parser.add_argument(
        "--folder", type=Path, help="keep the projects here; a later run skips finished stages"
    )
    parser.add_argument("--seeds", type=int, help="trainings per network (default: 3)")
    arguments = parser.parse_args()
    data = arguments.data.resolve() if arguments.data else None
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        for preset in PRESETS:
            train(folder / preset, settings(preset, data, arguments.seeds), data_from=folder / PRESETS[0])
        print(report(folder))


if __name__ == "__main__":
    main()
