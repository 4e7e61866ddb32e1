"""Random SIGKILLs of `strokecast repro`, most of them in the second after a training's last line: nothing is lost or doubled."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import time
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

KILLS = 10
SEED = 14
LAST_LINE = re.compile(r"(?m)^\[train-(\w+)@(\w+)\] .* \(\d+\.\d s\)$")
LATEST_START = 12.0  # seconds after the start of a run, for kills at any moment


def use_more_models(values: Any) -> None:
    """Five stages that train: networks, estimators and a rule, one of them with two seeds."""
    for task in ("classify", "forecast"):
        values["training"][task]["deterministic"] = True
    values["models"]["classify"]["nearest_neighbour"] = {"enabled": True}
    values["models"]["forecast"]["ridge"] = {"enabled": True}
    values["models"]["forecast"]["seasonal_naive_364"] = {"enabled": True}
    values["models"]["forecast"]["linear"] = {"enabled": True, "seeds": [1, 2]}


def train_with_other_seeds(values: Any, first: int) -> None:
    """New trainings of the models of `use_more_models`."""
    models = values["models"]
    for entry in (models["classify"]["nearest_neighbour"], models["classify"]["gru"]):
        entry["seeds"] = [first]
    for name in ("ridge", "seasonal_naive_364", "linear"):
        models["forecast"][name]["seeds"] = [first, first + 1] if name == "linear" else [first]


class Killed:
    """A run of `strokecast repro --jobs 2` that is killed with all its processes."""

    def __init__(self, project: Any, log: Path) -> None:
        self.log = log
        with log.open("w") as file:
            self.process = project.popen(
                *("strokecast", "repro", "--jobs", "2"),
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def trained(self) -> set[tuple[str, str]]:
        """(task, name) of the stages whose last line was printed."""
        return set(LAST_LINE.findall(self.log.read_text()))

    def wait_for_last_line(self, n: int) -> bool:
        """Wait for the last line of the `n`th training; False if the run ended before."""
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            if len(self.trained()) >= n:
                return True
            if self.process.poll() is not None:
                return False
            time.sleep(0.01)
        raise AssertionError(f"no training ended\n{self.log.read_text()}")

    def kill(self) -> bool:
        """Kill all processes; False if the run had ended."""
        if self.process.poll() is not None:
            assert self.process.returncode == 0, self.log.read_text()
            return False
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return True


def finished(project: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """(folder, run.json) of every finished training in models/ and in the records.

    Not of the temporary folder of a stage that was killed while it still wrote its results.
    """
    for path in (
        *project.root.glob("models/*/*/seed-*/run.json"),
        *project.root.glob(".strokecast/trainings/*/finished/run.json"),
    ):
        if path.parents[1].name.startswith("."):
            continue
        run = json.loads(path.read_text())
        if run["status"] == "finished":
            yield path.parent, run


def weights(folder: Path) -> dict[str, bytes]:
    """The files of a model that hold what was learned."""
    contents = {path.name: path.read_bytes() for path in folder.glob("model.*") if path.suffix != ".keras"}
    if (folder / "model.keras").exists():
        with zipfile.ZipFile(folder / "model.keras") as archive:
            contents["model.keras"] = archive.read("model.weights.h5")
    return contents


@pytest.mark.timeout(1800)
def test_ten_random_kills_lose_and_double_no_training(project: Any, tmp_path: Path) -> None:
    undisturbed = project.copy(tmp_path / "undisturbed")
    project.edit_params(use_more_models)
    rng, kills, seed, attempts = random.Random(SEED), 0, 1, 0
    seen: dict[tuple[str, str, int], set[tuple[str, int]]] = defaultdict(set)

    def note() -> None:
        for _, run in finished(project):
            seen[run["task"], run["name"], run["seed"]].add((run["training_id"], run["ended_ms"]))

    note()
    while kills < KILLS:
        attempts += 1
        assert attempts < 3 * KILLS
        running = Killed(project, tmp_path / f"run-{attempts}.log")
        if rng.random() < 0.75 and running.wait_for_last_line(rng.choice([1, 1, 1, 2])):
            time.sleep(rng.uniform(0.0, 1.0))
        elif running.process.poll() is None:
            time.sleep(rng.uniform(0.0, LATEST_START))
        if running.kill():
            kills += 1
            note()
            assert running.trained() <= {(task, name) for task, name, _ in seen}, (
                "a finished training is kept"
            )
            assert "error:" not in running.log.read_text()
        else:  # everything is recorded: train something else
            note()
            seed += 2
            project.edit_params(lambda values, first=seed: train_with_other_seeds(values, first))
    project.run("strokecast", "repro", "--jobs", "2")
    note()

    doubled = {label: ids for label, ids in seen.items() if len(ids) > 1}
    changed = {("classify", "gru", 1), ("forecast", "linear", 1)}  # also trained with the settings of `built`
    assert set(doubled) <= changed, "trained twice"
    assert all(len(ids) == 2 for ids in doubled.values()), "trained twice"
    board = project.board()  # fails if a training has two active runs
    ids = {training_id for pairs in seen.values() for training_id, _ in pairs}
    assert {key for key, run in board.items() if run["status"] == "FINISHED"} == ids, (
        "each is on the board, once"
    )
    assert {run["status"] for run in board.values()} == {"FINISHED"}
    assert not list(project.root.glob(".strokecast/trainings/*/finished")), "all are recorded"

    (undisturbed.root / "params.yaml").write_bytes((project.root / "params.yaml").read_bytes())
    undisturbed.run("strokecast", "repro", "--jobs", "2")
    compared = 0
    for folder, run in finished(project):
        other = undisturbed.root / folder.relative_to(project.root)
        assert weights(folder) == weights(other), folder
        compared += json.loads((other / "run.json").read_text())["training_id"] != run["training_id"]
    assert compared == 6, "the trainings that were killed"
