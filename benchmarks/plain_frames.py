"""The peer of `frames.py`: a video drawn line by line with Pillow, frame by frame, on four times as many pixels a side.

Soft edges come from scaling down, as is usual where a library draws without them.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

FINE = 4  # pixels drawn a side for each that is kept
PEN = 1.5


def video(points: np.ndarray, frames: int, side: int) -> np.ndarray:
    """A drawing as uint8 [frames, side, side]: each frame shows an equal share more of the ink.

    Args:
        points: [n, 3], (dx, dy, pen_lift).
        frames: of the video.
        side: pixels.
    """
    places = np.concatenate([[[0.0, 0.0]], np.cumsum(points[:, :2], axis=0)])
    low, high = places.min(axis=0), places.max(axis=0)
    factor = (side - 1 - PEN) / max(float((high - low).max()), 1e-6)
    places = ((places - (low + high) / 2) * factor + side / 2) * FINE
    drawn = [row for row in range(len(points)) if row == 0 or points[row - 1, 2] < 0.5]
    lines = [(tuple(places[row]), tuple(places[row + 1])) for row in drawn]
    whole = sum(math.dist(*line) for line in lines)
    made = []
    for frame in range(1, frames + 1):
        page = Image.new("L", (side * FINE, side * FINE))
        pen = ImageDraw.Draw(page)
        left = whole * frame / frames
        for start, end in lines:
            length = math.dist(start, end)
            if left <= 0:
                break
            part = min(1.0, left / length) if length else 1.0
            stop = (start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1]))
            pen.line([start, stop], fill=255, width=round(PEN * FINE))
            left -= length
        made.append(np.asarray(page.resize((side, side), Image.Resampling.BOX)))
    return np.stack(made)
