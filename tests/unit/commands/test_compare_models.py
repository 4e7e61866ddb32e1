"""`strokecast compare A B`: the paired difference, the metrics and the slices of two models of one task."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from strokecast.commands.compare_models import compare
from strokecast.common.errors import UserError

CORRECT = {"gru": 40, "lstm": 10}


@pytest.fixture(autouse=True)
def _two_classifiers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """gru has 40 of 40 drawings right and lstm 10; both are models of forecast, too."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("series: {source: births}\n")
    Path("data/raw/sketches").mkdir(parents=True)
    Path("data/raw/sketches/source.json").write_text("{}")
    rows = []
    for name, correct in CORRECT.items():
        table = {"id": list(range(40)), "label": ["a", "b"] * 20, "length": 10}
        predicted = [label if n < correct else "c" for n, label in enumerate(table["label"])]  # type: ignore[arg-type]
        rows.append(pd.DataFrame(table).assign(model=name, seed=1, predicted=predicted))
    for task in ("classify", "forecast"):
        models = [
            {"model": name, "seeds": [1], "accuracy": n / 40, "parameters": 9} for name, n in CORRECT.items()
        ]
        Path(f"reports/{task}").mkdir(parents=True)
        Path(f"reports/{task}/summary.json").write_text(
            json.dumps({"source": "made", "models": models, "champion": {"model": "gru"}})
        )
    pd.concat(rows).to_parquet("reports/classify/predictions.parquet", index=False)


def test_the_better_model_is_named_with_the_interval() -> None:
    text = compare("champion", "lstm", "classify")
    assert text.startswith(
        "classify: gru is better: accuracy gru 1, lstm 0.25; gain of gru 0.75 (95 % interval 0."
    )
    assert "| accuracy   |   1 | 0.25 |" in text
    assert "| class b     |  20 |   1 | 0.25 |" in text
    assert compare("lstm", "gru", "classify").startswith("classify: gru is better")


@pytest.mark.parametrize(
    ("a", "b", "task", "message"),
    [
        ("gru", "lstm", "", "--task: classify, forecast have both models; choose one of classify, forecast"),
        ("gru", "nobody", "", "no task has evaluated both 'gru' and 'nobody'"),
        ("gru", "nobody", "classify", "no evaluated model 'nobody'; choose one of gru, lstm"),
        ("gru", "champion", "classify", "gru is compared with itself"),
        ("gru", "lstm", "watch", "reports/watch/summary.json: no such file"),
    ],
)
def test_what_cannot_be_compared_is_one_line(a: str, b: str, task: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        compare(a, b, task)
