"""The two sides of `train.py`, each in a process of its own: TensorFlow takes its threads once a process.

A side prints one JSON text a turn. While one side computes, the other waits for its next line on stdin.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import plain_keras
import train_ours
from train_data import SPLITS, Project

PLAIN_STEPS = {"conv_bilstm": 25, "conv_rnn": 150, "layer_norm_lstm": 30}  # timed steps a turn; others: 60

Which = Literal["plain", "ours"]


class Side:
    """One side's process.

    Args:
        given: the command line; `names` and the part are handed on.
        which: the side.
        name: the network; "" for the one that the preset names.
    """

    def __init__(self, given: argparse.Namespace, which: Which, name: str = "") -> None:
        command = [sys.executable, str(Path(__file__).with_name("train.py")), "--part", given.part]
        command += ["--data", str(given.data), "--folder", str(given.folder), "--preset", str(given.preset)]
        command += ["--bucket-boundaries", *map(str, given.bucket_boundaries), "--child", which]
        command += ["--names", name] if name else []
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def turn(self) -> Any:
        """Let it do its next piece of work, and what came out."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise SystemExit(f"{' '.join(map(str, self._process.args))}: ended with {self._process.wait()}")  # type: ignore[arg-type]

    def end(self) -> None:
        """Let it go."""
        self._process.communicate()


def arrays(project: Project, classes: list[str]) -> dict[str, tuple[Any, Any]]:
    """Split → (strokes, labels) for the plain script, all padded to the longest drawing of all."""
    found = {split: project.drawings(split, classes) for split in SPLITS}
    longest = max(len(points) for split in SPLITS for points in found[split].points)
    return {split: (plain_keras.pad(found[split].points, longest), found[split].labels) for split in SPLITS}


def speed(project: Project, given: argparse.Namespace) -> None:
    """A child: first the size of its network, then a turn of training for every line on stdin."""
    (which,), (name,) = given.child, given.names
    if which == "plain":
        strokes, labels = arrays(project, _classes(project.processed(given.bucket_boundaries)))["train"]
        peer = plain_keras.build(name, strokes.shape[1], 1 + int(labels.max()))
        data = plain_keras.dataset(strokes, labels, shuffle=True).repeat()
        weights = sum(int(v.value.shape.num_elements()) for v in peer.trainable_variables)
    else:
        from strokecast.training import devices

        devices.prepare(1, None, train_ours.setup(name)["intra_op_threads"], False)
        mine = train_ours.Training(
            name, project.processed(given.bucket_boundaries), {"positions": False}, train_ours.setup(name)
        )
        mine.warm()
        weights = mine.weights
    for turn, _ in enumerate(sys.stdin):
        told: dict[str, float] = {"weights": weights}
        if turn and which == "plain":
            wall, processor = plain_keras.seconds_a_step(peer, data, PLAIN_STEPS.get(name, 60))
            told = {"wall": wall / plain_keras.BATCH, "processor": processor / plain_keras.BATCH}
        elif turn:
            wall, processor = mine.epoch()
            told = {"wall": wall / mine.examples(), "processor": processor / mine.examples()}
        print(json.dumps(told), flush=True)


def accuracy(project: Project, given: argparse.Namespace) -> None:
    """A child: the whole training of its side."""
    preset = train_ours.preset(given.preset)
    processed = project.processed(tuple(preset["bucket_boundaries"]))
    sys.stdin.readline()
    if given.child == ["plain"]:
        classes = _classes(processed)
        data = arrays(project, classes)
        course: Any = plain_keras.train_conv_rnn(data["train"], data["valid"], data["test"], len(classes))
    else:
        told = train_ours.recipe(preset["training"])
        course = train_ours.train(preset["name"], preset["config"], told, processed, preset["seed"])
    print(json.dumps(vars(course)), flush=True)


def _classes(processed: Path) -> list[str]:
    from strokecast.features.records import spec as specs

    classes: list[str] = specs.load(processed, "classify")["classes"]
    return classes
