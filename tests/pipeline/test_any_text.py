"""Names drawn from all printable Unicode, wherever a user may choose one: the pipeline works, or says one line."""

from __future__ import annotations

import csv
import datetime
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow

DAYS = 260


class Names(NamedTuple):
    """One name of each kind; `classes`, `ids` and `columns` hold several."""

    classes: list[str]
    columns: list[str]
    ids: list[str]
    project: str
    output: str


def texts(max_size: int = 12) -> st.SearchStrategy[str]:
    return st.text(
        st.characters(exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")),
        min_size=1,
        max_size=max_size,
    )


def distinct(count: int) -> st.SearchStrategy[list[str]]:
    return st.lists(
        texts(),
        min_size=count,
        max_size=count,
        unique_by=lambda name: unicodedata.normalize("NFKC", name.casefold()).strip(),
    )


def file_names() -> st.SearchStrategy[str]:
    return texts().map(lambda name: name.replace("/", "|")).filter(lambda name: name not in (".", ".."))


NAMES = st.builds(
    Names,
    distinct(2).map(lambda names: [name.replace("/", "|") for name in names]),
    distinct(4),
    distinct(2),
    file_names(),
    file_names(),
)
HARD = Names(
    ["a $_$ b", "O'Brien & co, (50 %) #1 <b>"],
    ["date, ds", "id/|'", "visits, in %", "a/b $x$ _x0025_"],
    ["O'Brien", ".."],
    "pro%20je%ct #1 'q' \"$HOME\" ? \u6f22\U0001f600",
    "$_$ %d <\u0627\u0644\u0628>.csv",
)
REFUSED = Names(["a\\b", "b"], ["ds", "id", "y", "x"], ["1", "2"], "project", "out.csv")


def write_inputs(folder: Path, drawn: Names, drawings: list[Path]) -> None:
    """`npz/<class>.npz` and `series.csv` with the drawn names."""
    (folder / "npz").mkdir()
    for name, source in zip(drawn.classes, drawings, strict=True):
        # The official files of ../shared pickle their lists of drawings.
        data = np.load(source, allow_pickle=True, encoding="latin1")
        np.savez(
            folder / "npz" / f"{name}.npz",
            train=data["train"][:40],
            valid=data["valid"][:15],
            test=data["test"][:20],
        )
    with (folder / "series.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(drawn.columns)
        for number, series in enumerate(drawn.ids, start=1):
            for day in range(DAYS):
                date = datetime.date(2020, 1, 1) + datetime.timedelta(day)
                writer.writerow([date, series, 100 * number + 10 * (day % 7) + day % 3, 50 + day % 7])


def use_names(values: Any, folder: Path, drawn: Names) -> None:
    """The smallest settings in which every name is used; models without TensorFlow."""
    values["sketches"] = {
        "source": "npz_folder",
        "npz_folder": {"folder": str(folder / "npz"), "classes": "all"},
    }
    date, series, value, extra = drawn.columns
    values["series"]["csv"] = {
        "path": str(folder / "series.csv"),
        "date_column": date,
        "id_column": series,
        "unique_id": drawn.ids[0],
        "value_column": value,
        "extra_columns": [extra],
        "unit": value,
    }
    values["quality"] = {"sketches": {"max_quarantined": 0.9}}
    values["features"]["forecast"].update(
        series="all", series_id=True, targets=["y", extra], lags=[7], input_size=14,
        valid_from=0.6, test_from=0.8, calendar=["weekday"], holiday_country=None,
    )  # fmt: skip
    values["models"] = {
        "classify": {"logistic": {"enabled": True}},
        "watch": {},
        "draw": {},
        "forecast": {
            "seasonal_naive_7": {"enabled": True},
            "ridge": {"enabled": True, "config": {"weeks": [1]}},
        },
    }


def one_line(output: str) -> str:
    """The one error line of a failed command."""
    assert "Traceback" not in output, output
    lines = [line for line in output.splitlines() if "error: " in line and "failed to " not in line]
    assert len(lines) == 1, output
    return lines[0]


@pytest.mark.parametrize("names", [HARD, REFUSED], ids=["hard", "refused"])
def test_hard_names_work_and_a_backslash_in_a_class_is_refused(
    new_project: Callable[..., Any], shared_data: Path, tmp_path: Path, names: Names
) -> None:
    line = run_pipeline(new_project, shared_data, tmp_path, names)
    assert ("is not a class name" in line) if names is REFUSED else not line, line


@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(NAMES)
def test_any_name_works_or_is_refused_in_one_line(
    new_project: Callable[..., Any], shared_data: Path, tmp_path_factory: pytest.TempPathFactory, drawn: Names
) -> None:
    line = run_pipeline(new_project, shared_data, tmp_path_factory.mktemp("any"), drawn)
    assert not line or "allowed" in line, line


def run_pipeline(new_project: Callable[..., Any], shared_data: Path, folder: Path, drawn: Names) -> str:
    """Run everything with these names; returns the line with which the pipeline or the forecast refused them, or ""."""
    write_inputs(folder, drawn, sorted((shared_data / "quickdraw" / "sketchrnn").glob("*.npz"))[:2])
    project = new_project(folder / "in" / drawn.project, lambda values: use_names(values, folder, drawn))
    result = project.run("strokecast", "repro", "--jobs", "2", check=False)
    if result.returncode != 0:
        return one_line(result.stdout + result.stderr)
    return check_outcome(project, folder, drawn)


def check_outcome(project: Any, folder: Path, drawn: Names) -> str:
    """The board has all names, and the forecast command writes a file with them, or refuses them in one line."""
    runs = {run["tags"]["strokecast.model"]: run for run in project.board().values()}
    assert set(runs) == {"logistic", "seasonal_naive_7", "ridge"}
    assert set(json.loads(runs["logistic"]["params"]["features.class_counts"])) == set(drawn.classes)
    assert (project.root / "reports" / "index.html").is_file()
    output = folder / drawn.output
    arguments = (
        "--input",
        str(folder / "series.csv"),
        "--output",
        str(output),
        "--plot",
        str(folder / "plot.svg"),
    )
    forecast = project.run("strokecast", "forecast", "--model", "ridge", *arguments, check=False)
    if forecast.returncode != 0:
        return one_line(forecast.stdout + forecast.stderr)
    assert "Warning" not in forecast.stderr
    if output.suffix.lower() != ".parquet":
        with output.open(newline="", encoding="utf-8") as file:
            assert {row["unique_id"] for row in csv.DictReader(file)} == {name.strip() for name in drawn.ids}
    return ""
