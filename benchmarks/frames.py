"""Drawings → videos of 12 frames of 28 x 28: strokecast beside Pillow (`plain_frames.py`), on one core.

    python benchmarks/frames.py                            # 2,400 doodles, the fastest of three turns
    python benchmarks/frames.py --count 240 --repeats 1    # a smoke test

The two take turns. Times are processor time, so other work on the machine matters less. strokecast's time includes the
track of the pen, which the peer does not compute.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

import plain_frames
from claims import conclude
from strokecast.features.sketches.frames import Layout, render_videos
from strokecast.sources.sketches import doodles

FRAMES, SIDE = 12, 28
LAYOUT = Layout(FRAMES, SIDE, SIDE, steps_per_frame=16, by="ink", pen=plain_frames.PEN, scale=1.0)
SEED = 11

Videos = NDArray[np.uint8]


def fastest(renderers: Sequence[Callable[[], Videos]], repeats: int) -> tuple[list[float], list[Videos]]:
    """The lowest processor time of each renderer over `repeats` turns, in seconds, and its videos."""
    seconds, videos = [float("inf")] * len(renderers), [np.empty(0, np.uint8)] * len(renderers)
    for _ in range(repeats):
        for position, renderer in enumerate(renderers):
            started = time.process_time()
            videos[position] = renderer()
            seconds[position] = min(seconds[position], time.process_time() - started)
    return seconds, videos


def main() -> None:
    """Measure, print drawings per second and the claims."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=2400, help="number of doodles (2400)")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each; the fastest counts (3)")
    arguments = parser.parse_args()
    per_class = -(-arguments.count // len(doodles.CLASSES))
    drawings = [
        np.asarray(drawing, np.float32)
        for label in doodles.CLASSES
        for drawing in doodles.generate(label, "benchmark", per_class, SEED)
    ]
    ends = np.cumsum([len(drawing) for drawing in drawings])
    spans, points = np.stack([np.append(0, ends[:-1]), ends], axis=1), np.concatenate(drawings)
    renderers: list[Callable[[], Videos]] = [
        lambda: render_videos(points, spans, LAYOUT)[0],
        lambda: np.stack([plain_frames.video(drawing, FRAMES, SIDE) for drawing in drawings]),
    ]
    (own_seconds, peer_seconds), (own, peer) = fastest(renderers, arguments.repeats)
    for name, seconds in (("strokecast", own_seconds), ("Pillow", peer_seconds)):
        print(f"{name:10} {len(drawings) / seconds:10,.0f} drawings/s")
    difference = np.abs(own[:, -1].astype(float) - peer[:, -1]).mean() / 255
    rate = len(drawings) / own_seconds
    conclude(
        [
            (f"more than 2,000 drawings/s per core: {rate:,.0f}", rate > 2000),
            (
                f"at least twice the peer: {peer_seconds / own_seconds:.1f} times",
                peer_seconds >= 2 * own_seconds,
            ),
            (
                f"finished drawings equal the peer's: mean difference of ink {difference:.3f} per pixel, below 0.05",
                difference < 0.05,
            ),
        ]
    )


if __name__ == "__main__":
    main()
