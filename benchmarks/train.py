"""Training on 20 real classes: strokecast beside a plain Keras script, in one run on one machine.

    python benchmarks/train.py --part speed      # sketches/s of training, plain and ours in turns, at equal network
    python benchmarks/train.py --part accuracy   # seconds to 80 % and 95 % of validation, accuracy on test
    python benchmarks/train.py --part loader     # sketches/s of the feed alone against the fastest network
    python benchmarks/train.py --part jit        # time of a step with and without XLA
    python benchmarks/train.py --part threads    # time of a step by intra-op and inter-op threads
    python benchmarks/train.py --part tried      # time of a sketch by batch size, and in bfloat16
    python benchmarks/train.py --part spread     # accuracy of one seed five times beside that of five seeds

The drawings (13,000 for training) come from `--data`, through strokecast's own stages, into a temporary
folder (`--folder` keeps it). Ours counts everything that a training does: reading, shuffling, augmentation,
clipping, the recipe's dropout; whole epochs, each bucket and its last partial batch. The plain script
(`plain_keras.py`) has its arrays in memory. Warm-up and tracing count for neither, but in `accuracy`.
What is claimed is printed with `holds` or `FAILS`, and the exit code is 1 where one fails.
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
from strokecast.common.console import quiet_environment
from strokecast.common.import_hiding import start_tensorflow
from train_data import Project, real

AT_LEAST = dict.fromkeys(plain_keras.NETWORKS, 2.0) | {"conv_bilstm": 6.0}
LOADER = 3.0
TO_80, TO_95 = 0.25, 2.0  # shares of the plain script's time to 80 %
PARTS = ("speed", "accuracy", "loader", "jit", "threads", "tried", "spread")

Claims = list[tuple[str, bool]]


def ours(project: Project, name: str, bounds: tuple[int, ...], **over: Any) -> train_ours.Training:
    """Our training of `name`, of the network that the plain script has."""
    setup = {**train_ours.setup(name), **over}
    return train_ours.Training(name, project.processed(bounds), {"positions": False}, setup)


def speed(project: Project, given: argparse.Namespace) -> Claims:
    """Sketches/s: a turn of the plain script, a turn of ours, again and again."""
    if given.child:
        train_turns.speed(project, given)
        return []
    claims: Claims = []
    project.processed(given.bucket_boundaries)
    given.folder = project.folder
    print(f"{'':12}{'plain':>9}{'ours':>9}{'ratio':>7}   ratio by processor time; every turn (plain/ours)")
    for name in given.names:
        plain, mine = (train_turns.Side(given, which, name) for which in ("plain", "ours"))
        theirs, own = plain.turn()["weights"], mine.turn()["weights"]
        if theirs != own:
            raise SystemExit(f"{name}: the plain network trains {theirs:,} numbers, ours {own:,}")
        turns = [(plain.turn(), mine.turn()) for _ in range(given.repeats)]
        plain.end()
        mine.end()
        slow, fast = (1 / statistics.median(turn[side]["wall"] for turn in turns) for side in (0, 1))
        ratio, by_processor = (
            statistics.median(a[key] / b[key] for a, b in turns) for key in ("wall", "processor")
        )
        every = ", ".join(f"{1 / a['wall']:.0f}/{1 / b['wall']:.0f}" for a, b in turns)
        print(f"{name:12}{slow:9.0f}{fast:9.0f}{ratio:7.2f}   {by_processor:.2f}; {every}", flush=True)
        asked = AT_LEAST[name]
        claims.append((f"{name}: at least {asked:g} times: {ratio:.2f} times", ratio >= asked))
    return claims


def accuracy(project: Project, given: argparse.Namespace) -> Claims:
    """The plain conv_rnn script from beginning to end, then the recipe of the preset."""
    if given.child:
        train_turns.accuracy(project, given)
        return []
    preset = train_ours.preset(given.preset)
    project.processed(tuple(preset["bucket_boundaries"]))
    given.folder = project.folder
    courses = {}
    for which, told in (
        ("plain", "conv_rnn"),
        ("ours", f"{preset['name']} {preset['config']} {preset['training']}"),
    ):
        print(f"{which}: {told}", flush=True)
        side = train_turns.Side(given, which)
        courses[which] = train_ours.Course(**side.turn())
        side.end()
        _course(courses[which])
    peer, best = courses["plain"], courses["ours"]
    low, high = plain_keras.CONV_RNN_TEST
    claims: Claims = [
        (
            f"the plain script reaches {low:.1%} to {high:.1%} on test: {peer.test:.2%}",
            low <= peer.test <= high,
        )
    ]
    to_80 = peer.to(0.8)
    if to_80 is None:
        return [*claims, ("the plain script reaches 80 % of validation: never", False)]
    for goal, share in ((0.8, TO_80), (0.95, TO_95)):
        found = best.to(goal)
        line = f"{goal:.0%} within {share:g} of the plain script's {to_80:.0f} s to 80 %: "
        told_as = "never" if found is None else f"{found:.0f} s, {found / to_80:.2f}"
        claims.append((line + told_as, found is not None and found <= share * to_80))
    return claims


def _course(course: train_ours.Course) -> None:
    for epoch, (time, value) in enumerate(zip(course.seconds, course.accuracy, strict=True), start=1):
        print(f"  epoch {epoch:3}  {time:7.1f} s  validation {value:.1%}")
    print(f"  test {course.test:.2%}", flush=True)


def loader(project: Project, given: argparse.Namespace) -> Claims:
    """The feed alone, with augmentation, and the fastest of the networks."""
    found = {}
    for name in given.names:
        mine = ours(project, name, given.bucket_boundaries)
        mine.warm()
        mine.loading()
        alone, trained = [], []
        for _ in range(given.repeats):
            alone.append(mine.examples() / mine.loading())
            trained.append(mine.examples() / mine.epoch()[0])
        found[name] = statistics.median(alone), statistics.median(trained)
        print(
            f"{name:12} feed alone {found[name][0]:8,.0f}/s   training {found[name][1]:8,.0f}/s", flush=True
        )
    fastest = max(found, key=lambda name: found[name][1])
    alone_, trained_ = found[fastest]
    line = f"the feed outruns the fastest network ({fastest}) {LOADER:g} times: {alone_ / trained_:.1f} times"
    return [(line, alone_ / trained_ >= LOADER)]


def main() -> None:
    """Run one part and print what is claimed."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--part", choices=PARTS, required=True)
    arguments.add_argument("--data", type=Path, default=Path("../shared/data/quickdraw"))
    arguments.add_argument("--folder", type=Path, help="where the records are kept from one run to the next")
    arguments.add_argument("--repeats", type=int, default=3, help="turns of each side; medians count (3)")
    arguments.add_argument(
        "--names", nargs="+", choices=train_ours.networks(), help="networks (those claimed; jit: all)"
    )
    arguments.add_argument("--bucket-boundaries", nargs="+", type=int, default=train_ours.BOUNDS)
    arguments.add_argument("--preset", type=Path, default=Path(__file__).with_name("quick.yaml"))
    arguments.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    given.bucket_boundaries = tuple(given.bucket_boundaries)
    if given.names and given.part == "speed" and not set(given.names) <= set(AT_LEAST):
        arguments.error(f"the plain script has {', '.join(AT_LEAST)}")
    given.names = given.names or (train_ours.networks() if given.part == "jit" else sorted(AT_LEAST))
    quiet_environment()
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    warnings.filterwarnings("ignore", message="`shuffle=True` was passed")  # fit, of any tf.data.Dataset
    if given.child is None or given.part != "threads":
        start_tensorflow()
    with tempfile.TemporaryDirectory() as temporary:
        if given.part == "spread":
            conclude(train_spread.spread(given.folder or Path(temporary) / "doodles", given))
            return
        project = Project(given.folder or Path(temporary) / "project", functools.partial(real, given.data))
        parts = {"speed": speed, "accuracy": accuracy, "loader": loader}
        parts |= {"jit": train_steps.jit, "threads": train_steps.threads, "tried": train_steps.tried}
        claims = parts[given.part](project, given)
    conclude(claims)


if __name__ == "__main__":
    main()
