"""`strokecast predict` on a real project: the evaluation's predictions to the last drawing, and interruptions."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

pytestmark = pytest.mark.slow

LINE = {
    "key_id": "1",
    "word": "duck",
    "countrycode": "NZ",
    "timestamp": "",
    "recognized": True,
    "drawing": [[[0, 255, 40, 7], [0, 90, 255, 0]]],
}


@pytest.mark.parametrize("task", ["classify", "watch"])
def test_the_predictions_are_those_of_the_evaluation(built: Any, tmp_path: Path, task: str) -> None:
    evaluated = pd.read_parquet(built.root / f"reports/{task}/predictions.parquet")
    evaluated = evaluated.astype({"model": str, "label": str, "predicted": str}).set_index("id")
    names = list(dict.fromkeys(evaluated["model"]))
    assert names
    for name in names:
        output = tmp_path / f"{name}.parquet"
        source = "data/validated/sketches/test.parquet"
        built.run(
            "strokecast",
            "predict",
            "--model",
            name,
            "--task",
            task,
            "--input",
            source,
            "--output",
            str(output),
        )
        table = pd.read_parquet(output).set_index("id")
        expected = evaluated[evaluated["model"] == name].loc[table.index]
        assert len(table) == len(expected) == (evaluated["model"] == name).sum()
        assert (table["predicted"] == expected["predicted"]).all()
        assert (table["label"] == expected["label"]).all()
        assert (table["probability"] - expected["confidence"]).abs().max() < 1e-4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_leaves_the_former_file_and_nothing_else(
    built: Any, tmp_path: Path, number: signal.Signals
) -> None:
    source, output = tmp_path / "in.ndjson", tmp_path / "out" / "out.csv"
    source.write_text(f"{json.dumps(LINE)}\n" * 300_000)
    output.parent.mkdir()
    output.write_text("former")
    arguments = ["predict", "--model", "logistic", "--input", str(source), "--output", str(output)]
    process = subprocess.Popen(
        [sys.executable, "-m", "strokecast.commands.cli", *arguments],
        cwd=built.root,
        env=built.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while len(list(output.parent.iterdir())) < 2:  # the temporary file
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in errors
    assert output.read_text() == "former"
    assert [path.name for path in output.parent.iterdir()] == ["out.csv"]
