"""Metrics without op determinism beside those of other seeds, for `train.py`, on few procedural doodles."""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import train_ours
from train_data import Project

NAME, EPOCHS = "conv_rnn", 3
COUNTS = {"train": 80, "valid": 20, "test": 50}  # drawings a class
BUCKET_BOUNDARIES = (32, 48, 64, 96, 200)  # points
SAME, SEEDS = (1,) * 5, (1, 2, 3, 4, 5)


def spread(folder: Path, given: argparse.Namespace) -> list[tuple[str, bool]]:
    """Five trainings of seed 1 and five seeds without op determinism, two of seed 1 with it.

    Args:
        folder: for the doodles and their records; what is there is used again.
        given: arguments of `train.py`.

    Raises:
        SystemExit: if a process fails.
    """
    if given.child:
        _train(folder, given.child[0] == "on", [int(seed) for seed in given.child[1:]])
        return []
    _records(folder)
    free = _apart(folder, "off", (*SAME, *SEEDS[1:]))
    same, seeds = free[: len(SAME)], [free[0], *free[len(SAME) :]]
    fixed = _apart(folder, "on", (1, 1))
    within, across = (statistics.stdev(row["accuracy"] for row in rows) for rows in (same, seeds))
    for told, rows in (("seed 1", same), ("seeds 1-5", seeds), ("seed 1, deterministic", fixed)):
        every = ", ".join(f"{row['accuracy']:.2%}" for row in rows)
        print(
            f"{told:22} {len({row['weights'] for row in rows})} different weights; test {every}", flush=True
        )
    return [
        ("with determinism: equal weights", fixed[0]["weights"] == fixed[1]["weights"]),
        (
            f"without: standard deviation {100 * within:.2f} points, over seeds {100 * across:.2f}",
            within <= across,
        ),
    ]


def doodles() -> dict[str, Any]:
    """`sketches` of params.yaml for the default doodles, `COUNTS` a class."""
    return {"source": "doodles", "doodles": COUNTS}


def _records(folder: Path) -> Path:
    """Their records, padded to `BUCKET_BOUNDARIES`."""
    return Project(folder, doodles).processed(BUCKET_BOUNDARIES)


def _apart(folder: Path, deterministic: str, seeds: tuple[int, ...]) -> list[dict[str, Any]]:
    """Trainings in a process of their own: determinism once on stays on."""
    script = Path(__file__).with_name("train.py")
    command = [sys.executable, str(script), "--part", "spread", "--folder", str(folder)]
    command += ["--child", deterministic, *map(str, seeds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _train(folder: Path, deterministic: bool, seeds: list[int]) -> None:
    """A line for each training: accuracy on test, digest of the weights."""
    from strokecast.features.records import spec as specs
    from strokecast.inference import networks, split_predictions
    from strokecast.training import run
    from strokecast.training.job import TrainingJob

    processed = _records(folder)
    spec = specs.load(processed, "classify")
    recipe = train_ours.recipe({"epochs": EPOCHS, "deterministic": deterministic})
    for seed in seeds:
        with tempfile.TemporaryDirectory() as temporary:
            home = Path(temporary)
            job = TrainingJob.create("classify", NAME, seed, {}, recipe)
            run.train_network(job, processed, home, lambda _: None, "cpu", checkpoint_dir=home / "r")
            network = networks.load_network(home)
            _, labels, logits = split_predictions.predict_split(network, processed, spec, "test")
            digest = hashlib.sha256(b"".join(value.tobytes() for value in network.get_weights()))
        accuracy = float((logits.argmax(axis=1) == labels).mean())
        print(json.dumps({"accuracy": accuracy, "weights": digest.hexdigest()}), flush=True)
