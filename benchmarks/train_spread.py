"""Spread of metrics over repetitions of one seed and over seeds, for `train.py`, on few generated doodles."""

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
from train_data import SketchProject

NAME, EPOCHS = "conv_rnn", 3
COUNTS = {"train": 80, "valid": 20, "test": 50}  # drawings per class
BUCKET_BOUNDARIES = (32, 48, 64, 96, 200)  # points
REPEATED_SEED, SEEDS = (1,) * 5, (1, 2, 3, 4, 5)


def spread(folder: Path, arguments: argparse.Namespace) -> list[tuple[str, bool]]:
    """Train five times with seed 1 and once with each of five seeds, then twice with op determinism.

    Args:
        folder: for the doodles and their records; existing ones are used.
        arguments: of `train.py`.

    Raises:
        SystemExit: if a process fails.
    """
    if arguments.child:
        _train(folder, arguments.child[0] == "on", [int(seed) for seed in arguments.child[1:]])
        return []
    _records(folder)
    nondeterministic = _run_child(folder, "off", (*REPEATED_SEED, *SEEDS[1:]))
    repeated = nondeterministic[: len(REPEATED_SEED)]
    seeds = [nondeterministic[0], *nondeterministic[len(REPEATED_SEED) :]]
    deterministic = _run_child(folder, "on", (1, 1))
    within, across = (statistics.stdev(row["accuracy"] for row in rows) for rows in (repeated, seeds))
    for title, rows in (
        ("seed 1", repeated),
        ("seeds 1-5", seeds),
        ("seed 1, deterministic", deterministic),
    ):
        accuracies = ", ".join(f"{row['accuracy']:.2%}" for row in rows)
        distinct = len({row["weights"] for row in rows})
        print(f"{title:22} {distinct} different weights; test {accuracies}", flush=True)
    return [
        (
            "with determinism: equal weights",
            deterministic[0]["weights"] == deterministic[1]["weights"],
        ),
        (
            f"without: standard deviation {100 * within:.2f} points, over seeds {100 * across:.2f}",
            within <= across,
        ),
    ]


def doodles() -> dict[str, Any]:
    """`sketches` of params.yaml for the default doodles, `COUNTS` per class."""
    return {"source": "doodles", "doodles": COUNTS}


def _records(folder: Path) -> Path:
    return SketchProject(folder, doodles).processed(BUCKET_BOUNDARIES)


def _run_child(folder: Path, deterministic: str, seeds: tuple[int, ...]) -> list[dict[str, Any]]:
    """Trainings in a process of their own: op determinism cannot be switched off again."""
    script = Path(__file__).with_name("train.py")
    command = [sys.executable, str(script), "--part", "spread", "--folder", str(folder)]
    command += ["--child", deterministic, *map(str, seeds)]
    completed = subprocess.run(command, capture_output=True, text=True, check=False)
    if completed.returncode:
        raise SystemExit(completed.stderr)
    return [json.loads(line) for line in completed.stdout.splitlines() if line.startswith("{")]


def _train(folder: Path, deterministic: bool, seeds: list[int]) -> None:
    """Print one JSON object per training: test accuracy and a digest of the weights."""
    from strokecast.features.records import spec as specs
    from strokecast.inference import networks, split_predictions
    from strokecast.training import run
    from strokecast.training.job import TrainingJob

    processed = _records(folder)
    spec = specs.load(processed, "classify")
    recipe = train_ours.recipe({"epochs": EPOCHS, "deterministic": deterministic})
    for seed in seeds:
        with tempfile.TemporaryDirectory() as temporary:
            model_dir = Path(temporary)
            job = TrainingJob.create("classify", NAME, seed, train_ours.CONFIGS[NAME], recipe)
            run.train_network(
                job, processed, model_dir, lambda _: None, checkpoint_dir=model_dir / "checkpoints"
            )
            network = networks.load_network(model_dir)
            _, labels, logits = split_predictions.predict_split(network, processed, spec, "test")
            digest = hashlib.sha256(b"".join(value.tobytes() for value in network.get_weights()))
        accuracy = float((logits.argmax(axis=1) == labels).mean())
        print(json.dumps({"accuracy": accuracy, "weights": digest.hexdigest()}), flush=True)
