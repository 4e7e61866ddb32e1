"""Child processes of `train.py`: one per side, because TensorFlow sets its threads once per process.

For each line on stdin a child does its next piece of work and prints one JSON object. While one side works, the other
waits.
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
from train_data import SPLITS, SketchProject

PLAIN_STEPS = {"conv_bilstm": 25, "conv_rnn": 150, "layer_norm_lstm": 30}  # timed steps per turn; others: 60

SideName = Literal["plain", "ours"]


class Side:
    """The child process of one side.

    Args:
        arguments: of `train.py`; the part and the options are passed on.
        side: `plain` or `ours`.
        name: the network; "": the part does not need one.
    """

    def __init__(self, arguments: argparse.Namespace, side: SideName, name: str = "") -> None:
        command = [sys.executable, str(Path(__file__).with_name("train.py")), "--part", arguments.part]
        command += ["--data", str(arguments.data), "--folder", str(arguments.folder)]
        command += ["--preset", arguments.preset, "--child", side]
        command += ["--bucket-boundaries", *map(str, arguments.bucket_boundaries)]
        command += ["--names", name] if name else []
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def next_result(self) -> Any:
        """Let the child do its next piece of work; returns what it prints.

        Raises:
            SystemExit: if the process ends instead.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise SystemExit(f"{' '.join(map(str, self._process.args))}: ended with {self._process.wait()}")  # type: ignore[arg-type]

    def close(self) -> None:
        """Close the child's stdin and wait for its end."""
        self._process.communicate()


def padded_arrays(project: SketchProject, classes: list[str]) -> dict[str, tuple[Any, Any]]:
    """Split → (strokes, labels) for the plain script, padded to the longest drawing of all splits."""
    drawings = {split: project.drawings(split, classes) for split in SPLITS}
    longest = max(len(points) for split in SPLITS for points in drawings[split].points)
    return {
        split: (plain_keras.pad(drawings[split].points, longest), drawings[split].labels) for split in SPLITS
    }


def speed(project: SketchProject, arguments: argparse.Namespace) -> None:
    """A child: prints the number of weights of its network first, then the times per drawing of a turn."""
    (side,), (name,) = arguments.child, arguments.names
    processed = project.processed(arguments.bucket_boundaries)
    if side == "plain":
        strokes, labels = padded_arrays(project, _classes(processed))["train"]
        model = plain_keras.build(name, strokes.shape[1], 1 + int(labels.max()))
        data = plain_keras.dataset(strokes, labels, shuffle=True).repeat()
        weights = sum(int(v.value.shape.num_elements()) for v in model.trainable_variables)
    else:
        from strokecast.params import Runtime
        from strokecast.training import devices

        overrides = train_ours.recipe_overrides(name)
        devices.prepare(1, Runtime(), overrides["intra_op_threads"], False)
        training = train_ours.MeasuredTraining(name, processed, train_ours.peer_config(name), overrides)
        training.warm_up()
        weights = training.weights
    for turn, _ in enumerate(sys.stdin):
        result: dict[str, float] = {"weights": weights}
        if turn and side == "plain":
            wall, processor = plain_keras.seconds_per_step(model, data, PLAIN_STEPS.get(name, 60))
            result = {"wall": wall / plain_keras.BATCH, "processor": processor / plain_keras.BATCH}
        elif turn:
            wall, processor = training.time_epoch()
            result = {"wall": wall / training.examples(), "processor": processor / training.examples()}
        print(json.dumps(result), flush=True)


def accuracy(project: SketchProject, arguments: argparse.Namespace) -> None:
    """A child: trains to the end and prints the learning curve."""
    training = train_ours.preset_training(arguments.preset)
    processed = project.processed(training.bucket_boundaries)
    sys.stdin.readline()
    if arguments.child == ["plain"]:
        classes = _classes(processed)
        data = padded_arrays(project, classes)
        curve = plain_keras.train_conv_rnn(data["train"], data["valid"], data["test"], len(classes))
    else:
        curve = train_ours.train(training, processed)
    print(json.dumps(vars(curve)), flush=True)


def _classes(processed: Path) -> list[str]:
    from strokecast.features.records import spec as specs

    return list(specs.load(processed, "classify")["classes"])
