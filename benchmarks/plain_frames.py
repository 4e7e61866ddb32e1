"""The peer of `frames.py`: Pillow draws each frame of a video line by line at four times the resolution.

Downscaling makes the soft edges, as is usual with libraries that draw without antialiasing.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

OVERSAMPLING = 4  # drawn pixels per side of an output pixel
PEN = 1.5  # output pixels


def video(points: NDArray[np.float32], frames: int, side: int) -> NDArray[np.uint8]:
    """A drawing as uint8 [frames, side, side]; each frame adds an equal share of the ink.

    Args:
        points: [n, 3], (dx, dy, pen_lift).
        frames: number of frames.
        side: height and width in pixels.
    """
    positions = np.concatenate([[[0.0, 0.0]], np.cumsum(points[:, :2], axis=0)])
    low, high = positions.min(axis=0), positions.max(axis=0)
    factor = (side - 1 - PEN) / max(float((high - low).max()), 1e-6)
    positions = ((positions - (low + high) / 2) * factor + side / 2) * OVERSAMPLING
    pen_down = [row for row in range(len(points)) if row == 0 or points[row - 1, 2] < 0.5]
    lines = [(tuple(positions[row]), tuple(positions[row + 1])) for row in pen_down]
    total = sum(math.dist(*line) for line in lines)
    images = []
    for frame in range(1, frames + 1):
        canvas = Image.new("L", (side * OVERSAMPLING, side * OVERSAMPLING))
        pen = ImageDraw.Draw(canvas)
        remaining = total * frame / frames
        for start, end in lines:
            length = math.dist(start, end)
            if remaining <= 0:
                break
            share = min(1.0, remaining / length) if length else 1.0
            stop = (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))
            pen.line([start, stop], fill=255, width=round(PEN * OVERSAMPLING))
            remaining -= length
        images.append(np.asarray(canvas.resize((side, side), Image.Resampling.BOX)))
    return np.stack(images)
