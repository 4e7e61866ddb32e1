"""Training on 20 classes of real drawings: strokecast beside a plain Keras script, in one run on one machine.

    python benchmarks/train.py --part speed        # drawings/s of training, in turns, with equal networks
    python benchmarks/train.py --part accuracy     # time to 80 % and 95 % of validation, test accuracy
    python benchmarks/train.py --part loader       # drawings/s of the input pipeline and of the fastest network
    python benchmarks/train.py --part jit          # time of a step with and without XLA
    python benchmarks/train.py --part threads      # time of a step by intra-op and inter-op threads
    python benchmarks/train.py --part batch_sizes  # time per drawing by batch size, and in bfloat16
    python benchmarks/train.py --part spread       # test accuracy of one seed five times and of five seeds

The drawings come from `--data`, through the stages download and validate, into a temporary folder (`--folder` keeps it).
strokecast's times include reading, shuffling, augmentation, clipping, dropout and whole epochs with the last, partial
batch of each bucket. The plain script (`plain_keras.py`) has its arrays in memory. Warm-up and tracing are excluded, except
in `accuracy`. Claims are printed with `holds` or `FAILS`; the exit code is 1 if one fails.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import tempfile
import warnings
from pathlib import Path
from typing import Any

import plain_keras
import train_ours
import train_spread
import train_steps
import train_turns
from claims import conclude
from strokecast.common import environment
from strokecast.common.import_hiding import start_tensorflow
from train_data import SketchProject, quickdraw_folder

MIN_SPEED_RATIOS = dict.fromkeys(plain_keras.NETWORKS, 2.0) | {"conv_bilstm": 6.0}
MIN_LOADER_RATIO = 3.0
MAX_TIME_RATIOS = ((0.8, 0.25), (0.95, 2.0))  # validation accuracy, share of the plain script's time to 80 %
PARTS = ("speed", "accuracy", "loader", "jit", "threads", "batch_sizes", "spread")

Claims = list[tuple[str, bool]]


def speed(project: SketchProject, arguments: argparse.Namespace) -> Claims:
    """Drawings per second: the plain script and strokecast take turns."""
    if arguments.child:
        train_turns.speed(project, arguments)
        return []
    claims: Claims = []
    project.processed(arguments.bucket_boundaries)
    arguments.folder = project.folder
    print(f"{'':16}{'plain':>9}{'ours':>9}{'ratio':>7}   ratio by processor time; all turns (plain/ours)")
    for name in arguments.names:
        peer, own = (train_turns.Side(arguments, side, name) for side in ("plain", "ours"))
        peer_weights, own_weights = peer.next_result()["weights"], own.next_result()["weights"]
        if peer_weights != own_weights:
            raise SystemExit(f"{name}: the plain network has {peer_weights:,} weights, ours {own_weights:,}")
        turns = [(peer.next_result(), own.next_result()) for _ in range(arguments.repeats)]
        peer.close()
        own.close()
        slow, fast = (1 / statistics.median(turn[side]["wall"] for turn in turns) for side in (0, 1))
        ratio, processor_ratio = (
            statistics.median(a[key] / b[key] for a, b in turns) for key in ("wall", "processor")
        )
        rates = ", ".join(f"{1 / a['wall']:.0f}/{1 / b['wall']:.0f}" for a, b in turns)
        print(f"{name:16}{slow:9.0f}{fast:9.0f}{ratio:7.2f}   {processor_ratio:.2f}; {rates}", flush=True)
        minimum = MIN_SPEED_RATIOS[name]
        claims.append((f"{name}: at least {minimum:g} times: {ratio:.2f} times", ratio >= minimum))
    return claims


def accuracy(project: SketchProject, arguments: argparse.Namespace) -> Claims:
    """The plain conv_rnn from beginning to end, then `conv_rnn` of the preset."""
    if arguments.child:
        train_turns.accuracy(project, arguments)
        return []
    training = train_ours.preset_training(arguments.preset)
    project.processed(training.bucket_boundaries)
    arguments.folder = project.folder
    peer = _learning_curve(arguments, "plain", "conv_rnn")
    own = _learning_curve(arguments, "ours", f"preset {arguments.preset}")
    low, high = plain_keras.CONV_RNN_TEST
    claims: Claims = [
        (
            f"the plain script reaches {low:.1%} to {high:.1%} on test: {peer.test:.2%}",
            low <= peer.test <= high,
        )
    ]
    to_80 = peer.seconds_to(0.8)
    if to_80 is None:
        return [*claims, ("the plain script reaches 80 % of validation: never", False)]
    for goal, max_ratio in MAX_TIME_RATIOS:
        seconds = own.seconds_to(goal)
        line = f"{goal:.0%} within {max_ratio:g} times the plain script's {to_80:.0f} s to 80 %: "
        result = "never" if seconds is None else f"{seconds:.0f} s, {seconds / to_80:.2f}"
        claims.append((line + result, seconds is not None and seconds <= max_ratio * to_80))
    return claims


def _learning_curve(
    arguments: argparse.Namespace, side: train_turns.SideName, title: str
) -> plain_keras.LearningCurve:
    """Train one side in a child process and print its epochs."""
    print(f"{side}: {title}", flush=True)
    process = train_turns.Side(arguments, side)
    curve = plain_keras.LearningCurve(**process.next_result())
    process.close()
    for epoch, (seconds, value) in enumerate(zip(curve.seconds, curve.accuracy, strict=True), start=1):
        print(f"  epoch {epoch:3}  {seconds:7.1f} s  validation {value:.1%}")
    print(f"  test {curve.test:.2%}", flush=True)
    return curve


def loader(project: SketchProject, arguments: argparse.Namespace) -> Claims:
    """The input pipeline alone, with augmentation, and training with it."""
    rates = {}
    for name in arguments.names:
        training = train_ours.MeasuredTraining(
            name,
            project.processed(arguments.bucket_boundaries),
            train_ours.peer_config(name),
            train_ours.recipe_overrides(name),
        )
        training.warm_up()
        training.time_loading()
        loading, epochs = [], []
        for _ in range(arguments.repeats):
            loading.append(training.examples() / training.time_loading())
            epochs.append(training.examples() / training.time_epoch()[0])
        rates[name] = statistics.median(loading), statistics.median(epochs)
        print(
            f"{name:16} pipeline alone {rates[name][0]:8,.0f}/s   training {rates[name][1]:8,.0f}/s",
            flush=True,
        )
    fastest = max(rates, key=lambda name: rates[name][1])
    ratio = rates[fastest][0] / rates[fastest][1]
    line = f"pipeline at least {MIN_LOADER_RATIO:g} times as fast as the fastest network ({fastest}): {ratio:.1f} times"
    return [(line, ratio >= MIN_LOADER_RATIO)]


def main() -> None:
    """Run one part and print its claims."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=PARTS, required=True)
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("../shared/data/quickdraw"),
        help="folder with sketchrnn/<class>.npz (default: ../shared/data/quickdraw)",
    )
    parser.add_argument("--folder", type=Path, help="keep the drawings and records here for the next run")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each side; the median counts (3)")
    parser.add_argument(
        "--names",
        nargs="+",
        choices=train_ours.networks(),
        help="networks (default: those of the plain script; jit: all)",
    )
    parser.add_argument("--bucket-boundaries", nargs="+", type=int, default=train_ours.BUCKET_BOUNDARIES)
    parser.add_argument(
        "--preset", default="quick", help="accuracy: preset whose conv_rnn is trained (quick)"
    )
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.bucket_boundaries = tuple(arguments.bucket_boundaries)
    if (
        arguments.names
        and arguments.part in ("speed", "loader")
        and not set(arguments.names) <= set(MIN_SPEED_RATIOS)
    ):
        parser.error(f"the plain script has {', '.join(MIN_SPEED_RATIOS)}")
    default_names = train_ours.networks() if arguments.part == "jit" else sorted(MIN_SPEED_RATIOS)
    arguments.names = arguments.names or default_names
    environment.prepare()
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    warnings.filterwarnings("ignore", message="`shuffle=True` was passed")  # by fit, for any tf.data.Dataset
    if arguments.child is None or arguments.part != "threads":
        start_tensorflow()
    with tempfile.TemporaryDirectory() as temporary:
        if arguments.part == "spread":
            conclude(train_spread.spread(arguments.folder or Path(temporary) / "doodles", arguments))
            return
        folder = arguments.folder or Path(temporary) / "project"
        project = SketchProject(folder, functools.partial(quickdraw_folder, arguments.data))
        parts: dict[str, Any] = {"speed": speed, "accuracy": accuracy, "loader": loader}
        parts |= {
            "jit": train_steps.jit,
            "threads": train_steps.threads,
            "batch_sizes": train_steps.batch_sizes,
        }
        claims = parts[arguments.part](project, arguments)
    conclude(claims)


if __name__ == "__main__":
    main()
