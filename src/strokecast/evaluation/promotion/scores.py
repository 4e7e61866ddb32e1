"""The score of one trained model on every test example, with the slices that the example belongs to.

A table `test_scores.parquet` goes with every registered model, so that a later candidate is compared with it on the same
examples even if its predictions are no longer in `reports/`.

Columns: `example` (the unit of the paired bootstrap), `truth` (text), `score` (float64: 1 for a correct answer and 0 for a
wrong one, or an absolute error), and one column of text per dimension of slices.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strokecast.common import files, paths
from strokecast.common.errors import UserError
from strokecast.evaluation.common.bootstrap import BootstrapSettings
from strokecast.params import Params

FILE = "test_scores.parquet"
METRICS = {"classify": "accuracy", "watch": "accuracy", "draw": "recognised", "forecast": "mae"}
FLOOR_METRICS = {**METRICS, "forecast": "mase"}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_COLUMNS = ("example", "truth", "score")


@dataclass(frozen=True)
class TestScores:
    """Scores of one trained model on the test split.

    Attributes:
        task: one of `strokecast.params.TASKS`.
        table: see the module.
        data: what the examples come from, as text: their source with the digests of its files.
    """

    __test__ = False  # not a class of tests

    task: str
    table: pd.DataFrame
    data: str

    @property
    def metric(self) -> str:
        """Name of the mean score: `accuracy`, `recognised` or `mae`."""
        return METRICS[self.task]

    @property
    def higher_is_better(self) -> bool:
        """False for an error."""
        return self.task != "forecast"

    @property
    def value(self) -> float:
        """The mean score."""
        return float(self.table["score"].mean())

    @property
    def digest(self) -> str:
        """Hex sha256 of the test set: where it comes from, and every example with its truth."""
        total = hashlib.sha256(self.data.encode())
        total.update(self.table[["example", "truth"]].to_csv(index=False).encode())
        return total.hexdigest()

    def by_example(self) -> pd.Series[float]:
        """The mean score of each example, in the order of the table."""
        return self.table.groupby("example", sort=False)["score"].mean()

    def select(self, examples: Collection[str]) -> TestScores:
        """The scores of some of the examples."""
        mask = self.table["example"].isin(examples)
        return replace(self, table=self.table[mask].reset_index(drop=True))

    def slices(self) -> dict[str, NDArray[np.bool_]]:
        """`<dimension> <name>` → its rows of the table."""
        return {
            f"{dimension.partition('_')[0]} {name}": (self.table[dimension] == name).to_numpy()
            for dimension in self.table.columns
            if dimension not in _COLUMNS
            for name in self.table[dimension].dropna().unique()
        }


def read(task: str, name: str, seed: int, settings: Params, reports: Path = paths.REPORTS) -> TestScores:
    """The scores of a trained model, from the predictions that the evaluation stored.

    Raises:
        UserError: if the task was not evaluated, or not this training.
    """
    summary = read_summary(task, reports)
    data = _data(task, summary)
    if task == "draw":
        return TestScores(task, _drawn(paths.model_report_dir(reports / task, name, seed)), data)
    path = existing(reports / task / "predictions.parquet")
    rows = pd.read_parquet(path, filters=[("model", "==", name), ("seed", "==", seed)])
    if rows.empty:
        raise UserError(
            f"{paths.training_label(name, seed)} has no test predictions",
            location=str(path),
            fix=f"run `dvc repro evaluate-{task}`",
        )
    if task == "forecast":
        return TestScores(task, _forecast(rows, summary["regimes"]), data)
    return TestScores(task, _labelled(rows, getattr(settings.evaluation, task).length_edges), data)


def read_summary(task: str, reports: Path = paths.REPORTS) -> dict[str, Any]:
    """`reports/<task>/summary.json` of a task with evaluated models.

    Raises:
        UserError: if there is none.
    """
    path = reports / task / "summary.json"
    try:
        summary: dict[str, Any] = files.read_json(path)
    except FileNotFoundError:
        raise UserError("no such file", location=str(path), fix=f"run `dvc repro evaluate-{task}`") from None
    if not summary["models"]:
        raise UserError(
            f"no model of {task} was evaluated",
            location=str(path),
            fix="enable one in params.yaml and run `dvc repro`",
        )
    return summary


def existing(path: Path) -> Path:
    """`path`, an output of the pipeline.

    Raises:
        UserError: if there is no such file.
    """
    if not path.is_file():
        raise UserError("no such file", location=str(path), fix="run `dvc checkout`, or `dvc repro`")
    return path


def bootstrap(task: str, summary: Mapping[str, Any], settings: Params) -> BootstrapSettings:
    """How the evaluation of the task computes intervals."""
    section = getattr(settings.evaluation, task)
    return BootstrapSettings(
        section.resamples, section.level, section.seed, int(summary.get("block_origins", 1))
    )


def labelled_scores(ids: list[str], truth: list[str], answers: list[str]) -> pd.DataFrame:
    """The columns `example`, `truth` and `score` of a classifier's answers."""
    score = [float(a == b) for a, b in zip(answers, truth, strict=True)]
    return pd.DataFrame({"example": ids, "truth": truth, "score": score})


def _data(task: str, summary: Mapping[str, Any]) -> str:
    """Where the test examples come from. The days of a series are in the truth; drawings are known by their files."""
    source = str(summary["source"])
    if task == "forecast":
        return source
    if task == "draw":
        judge = files.read_json(existing(paths.JUDGE / "run.json"))["training_id"]
        return f"{source}, judge {judge}, temperature {summary['temperature']:g}"
    return f"{source}, {files.sha256(existing(paths.RAW / 'sketches/source.json'))}"


def _labelled(rows: pd.DataFrame, edges: tuple[int, ...]) -> pd.DataFrame:
    labels = rows["label"].astype(str).tolist()
    table = labelled_scores(rows["id"].astype(str).tolist(), labels, rows["predicted"].astype(str).tolist())
    bounds = [1, *(edge + 1 for edge in edges)]
    names = [f"{low}-{high}" for low, high in zip(bounds, edges, strict=False)] + [f"{bounds[-1]}+"]
    groups = np.digitize(rows["length"].to_numpy(), edges, right=True)
    return table.assign(**{"class": labels, "length": [names[group] for group in groups]})


def _forecast(rows: pd.DataFrame, regimes: list[Mapping[str, Any]]) -> pd.DataFrame:
    series = rows["unique_id"].astype(str) if "unique_id" in rows else pd.Series("", rows.index)
    origin = pd.to_datetime(rows["origin"])
    days = pd.to_datetime(rows["ds"])
    table = pd.DataFrame(
        {
            "example": series + "|" + origin.dt.strftime("%Y-%m-%d"),
            "truth": rows["actual"].map("{:.9g}".format),
            "score": (rows["forecast"] - rows["actual"]).abs(),
            "day": rows["day"].astype(str),
            "weekday": [WEEKDAYS[day] for day in days.dt.dayofweek],
        }
    )
    for number, regime in enumerate(regimes):
        inside = (origin >= pd.Timestamp(regime["first"])) & (origin <= pd.Timestamp(regime["last"]))
        table[f"regime_{number}"] = pd.Series(regime["name"], rows.index, dtype=object).where(inside, None)
    if "unique_id" in rows:
        table["series"] = series
    return table.reset_index(drop=True)


def _drawn(report_dir: Path) -> pd.DataFrame:
    path = report_dir / "judge_predictions.csv"
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise UserError(
            "no such file: this network draws no requested class, or was not evaluated",
            location=str(path),
            fix="promote a network that draws a requested class",
        ) from None
    ids = (rows["class"] + "/" + rows["number"]).tolist()
    table = labelled_scores(ids, rows["class"].tolist(), rows["predicted"].tolist())
    return table.assign(**{"class": rows["class"]})
