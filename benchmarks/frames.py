"""Drawings → videos of 12 frames of 28 x 28: ours beside Pillow (`plain_frames.py`), on one core, in turns.

    python benchmarks/frames.py                 # 2,400 doodles, the fastest of three turns
    python benchmarks/frames.py --count 240     # a quick look at whether it works

Times are those of the processor, so that other work on the machine tells less; the pen's track, which
the peer does not make, is part of ours.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

import plain_frames
from claims import conclude
from strokecast.features.sketches.frames import Layout, render_videos
from strokecast.sources.sketches import doodles

FRAMES, SIDE = 12, 28
LAYOUT = Layout(FRAMES, SIDE, SIDE, steps_per_frame=16, by="ink", pen=plain_frames.PEN, scale=1.0)


def fastest(turns: list[tuple[Callable[[], np.ndarray], str]], repeats: int) -> tuple[list[float], list]:
    """Seconds of processor time of each, the lowest of `repeats` turns, and what each made."""
    seconds, made = [float("inf")] * len(turns), [np.empty(0)] * len(turns)
    for _ in range(repeats):
        for place, (turn, _) in enumerate(turns):
            started = time.process_time()
            made[place] = turn()
            seconds[place] = min(seconds[place], time.process_time() - started)
    return seconds, made


def main() -> None:
    """Measure, print a table and the claims."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    given.add_argument("--count", type=int, default=2400, help="doodles")
    given.add_argument("--repeats", type=int, default=3)
    chosen = given.parse_args()
    each = -(-chosen.count // len(doodles.CLASSES))
    drawn = [
        np.asarray(drawing, np.float32)
        for label in doodles.CLASSES
        for drawing in doodles.generate(label, "benchmark", each, 11)
    ]
    ends = np.cumsum([len(drawing) for drawing in drawn])
    spans, points = np.stack([np.append(0, ends[:-1]), ends], axis=1), np.concatenate(drawn)
    turns = [
        (lambda: render_videos(points, spans, LAYOUT)[0], "ours"),
        (lambda: np.stack([plain_frames.video(one, FRAMES, SIDE) for one in drawn]), "Pillow"),
    ]
    seconds, made = fastest(turns, chosen.repeats)
    for (_, name), spent in zip(turns, seconds, strict=True):
        print(f"{name:8} {len(drawn) / spent:10,.0f} drawings/s")
    unlike = np.abs(made[0][:, -1].astype(float) - made[1][:, -1]).mean() / 255
    conclude(
        [
            (
                f"well above 1,000 drawings/s a core: {len(drawn) / seconds[0]:,.0f}",
                len(drawn) / seconds[0] > 2000,
            ),
            (f"at least twice the peer: {seconds[1] / seconds[0]:.1f} times", seconds[1] >= 2 * seconds[0]),
            (
                f"the finished drawings are alike: ink differs by {unlike:.3f} a pixel on average",
                unlike < 0.05,
            ),
        ]
    )


if __name__ == "__main__":
    main()
