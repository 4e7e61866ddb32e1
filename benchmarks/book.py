"""The book's one-step table beside ours: the same networks, data, split and recipe, mean of several seeds.

    python benchmarks/book.py                        # trains all of it through the stages, prints the table
    python benchmarks/book.py --params multitask     # prints the params.yaml of one of its three sets of inputs

`book.yaml` says what is trained, and what the notebook of Géron, Hands-On Machine Learning, 3rd edition, chapter 15,
reached (https://github.com/ageron/handson-ml3). The scripts of the stages download (copy), validate, preprocess, train
and evaluate run in a temporary folder as `dvc repro` would run them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from preset import laid_over, read

ROOT = Path(__file__).resolve().parent.parent
PRESET = Path(__file__).with_name("book.yaml")
NOTE = """Validation: 2019-02-26 to 2019-05-31, the 95 days that the notebook's validation windows forecast. It and we
kept the epoch of the lowest MAE on these very days, so that it is lower there than on days not seen. Test: from
2019-06-01 on, opened once, by the stage evaluate; the break is COVID's."""


def settings(
    preset: Mapping[str, Any], inputs: str, data: Path | None = None, seeds: int | None = None
) -> dict[str, Any]:
    """params.yaml of the project with the preset over it.

    Args:
        preset: what book.yaml holds.
        inputs: univariate, multivariate or multitask.
        data: the export of boardings; None: the preset's.
        seeds: how many trainings a network, 1 and on; None: the preset's.
    """
    made = laid_over(laid_over(read(ROOT / "params.yaml"), preset["all"]), preset["inputs"][inputs])
    if data is not None:
        made["series"]["cta"]["files"] = [str(data)]
    for entry in made["models"]["forecast"].values():
        if seeds is not None:
            entry["seeds"] = list(range(1, seeds + 1))
    return made


def dump(told: Mapping[str, Any]) -> str:
    """`told` as YAML."""
    from ruamel.yaml import YAML

    yaml, text = YAML(typ="safe", pure=True), StringIO()
    yaml.default_flow_style = False
    yaml.dump(dict(told), text)
    return text.getvalue()


def train(folder: Path, told: Mapping[str, Any], like: Path) -> None:
    """Run the stages of the task forecast in `folder`, those that have not ended there.

    Args:
        folder: a project's, made if it is not there.
        told: its params.yaml.
        like: a project on the same days, split alike; what it has validated already is copied.

    Raises:
        SystemExit: with what a stage says, where one fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("data/raw/series", "data/validated/series"):
        if (like / part).is_dir() and not (folder / part).is_dir():
            shutil.copytree(like / part, folder / part)
    (folder / "params.yaml").write_text(dump(told), encoding="utf-8")
    stages = [
        (("download", "series"), "data/raw/series"),
        (("validate", "series"), "data/validated/series"),
        (("preprocess", "forecast"), "data/processed/forecast"),
        *((("train", "forecast", name), f"models/forecast/{name}") for name in told["models"]["forecast"]),
        (("evaluate", "forecast"), "reports/forecast"),
    ]
    environment = {name: value for name, value in os.environ.items() if name != "DVC_ROOT"}
    for (stage, *arguments), output in stages:
        if (folder / output).is_dir():
            continue
        command = [sys.executable, str(ROOT / "stages" / f"{stage}.py"), *arguments]
        done = subprocess.run(
            command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(done.stderr)


def on_validation(folder: Path, model: str) -> list[dict[str, float]]:
    """MAE of each training of `model` by target, over all validation days, in boardings."""
    from strokecast.features.records import spec as specs
    from strokecast.features.timeseries import origins
    from strokecast.inference import backtest

    processed = folder / "data" / "processed" / "forecast"
    spec = specs.load(processed, "forecast")
    known = backtest.load_series(processed, ("train", "valid"))
    chosen = origins.rolling(known.starts["valid"], len(known.days), int(spec["input_size"]), 1)
    actual = backtest.actuals(known, spec, chosen)
    made = []
    for home in trainings(folder, model):
        said = backtest.load_forecaster("network", home, spec, f"models.forecast.{model}")(known, chosen)
        error = np.abs(said.point - actual).mean(axis=(0, 1))
        made.append(dict(zip(spec["targets"], map(float, error), strict=True)))
    return made


def trainings(folder: Path, model: str) -> list[Path]:
    """The folders of the trainings of `model`, lowest seed first."""
    from strokecast.common.paths import model_dirs

    return model_dirs("forecast", model, folder / "models")


def on_test(folder: Path, model: str, key: str) -> str:
    """A figure of `reports/forecast/metrics.json` and its spread over the seeds; "-" where it has none."""
    from strokecast.common.files import read_json

    told = read_json(folder / "reports" / "forecast" / "metrics.json")[model]
    if key not in told:
        return "-"
    spread = told.get(f"{key}_spread")
    return f"{told[key]:,.0f}" + (f" ± {spread:,.0f}" if spread is not None else "")


def report(home: Path, preset: Mapping[str, Any]) -> str:
    """The table, from what the stages wrote below `home`."""
    head = ["MAE, boardings", "notebook, validation", "ours, validation", "ours / notebook"]
    rows = [[*head, "ours, test", "ours, test before the break", "best epochs"]]
    for line in preset["notebook"]:
        folder, model, column = home / line["inputs"], line["model"], line["column"]
        seen = [each[column] for each in on_validation(folder, model)]
        first = column == "y"
        rows.append(
            [
                line["network"],
                f"{line['mae']:,}",
                said(seen),
                f"{statistics.fmean(seen) / line['mae']:.2f}",
                on_test(folder, model, "mae" if first else f"mae_target_{column}"),
                on_test(folder, model, "mae_regime_before_break") if first else "-",
                ", ".join(str(facts(place)["best_epoch"]) for place in trainings(folder, model)),
            ]
        )
    return f"{table(rows)}\n\n{NOTE}"


def facts(training: Path) -> dict[str, Any]:
    """The run.json of a training."""
    from strokecast.common.files import read_json

    told: dict[str, Any] = read_json(training / "run.json")
    return told


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a table of Markdown, the first its head."""
    rule = ["---", *("---:" for _ in rows[0][1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], rule, *rows[1:]])


def said(values: Sequence[float]) -> str:
    """Mean and standard deviation."""
    spread = f" ± {statistics.stdev(values):,.0f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):,.0f}{spread}"


def main() -> None:
    """Train, read what the stages wrote, print the table."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments.add_argument("--data", type=Path, help="the CTA's export, in place of the preset's")
    arguments.add_argument("--folder", type=Path, help="where it is trained; what has ended there is kept")
    arguments.add_argument("--seeds", type=int, help="trainings a network")
    arguments.add_argument("--params", choices=("univariate", "multivariate", "multitask"))
    given, preset = arguments.parse_args(), read(PRESET)
    if given.params:
        print(dump(settings(preset, given.params, given.data, given.seeds)), end="")
        return
    data = (given.data or ROOT / preset["all"]["series"]["cta"]["files"][0]).resolve()
    with tempfile.TemporaryDirectory() as temporary:
        home = given.folder or Path(temporary)
        for inputs in preset["inputs"]:
            train(home / inputs, settings(preset, inputs, data, given.seeds), like=home / "univariate")
        print(report(home, preset))


if __name__ == "__main__":
    main()
