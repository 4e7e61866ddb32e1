"""The worst drawings as one picture: those set aside, or the most extreme of the accepted ones."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strokecast.common import files

if TYPE_CHECKING:
    import pandas as pd

FILE = "worst.parquet"
PICTURE = "worst.svg"
CELLS = 24  # drawings of the picture
COLUMNS = 6
_WIDTH, _HEIGHT, _SIDE = 176, 200, 144  # pixels of a cell, and of a drawing's longer side
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#17becf")
MAX_POINTS = 5_000  # of a drawing, in the picture
EXTREMES = (  # column of the table, whether the largest are shown, what they are called
    ("n_points", True, "most points"),
    ("n_points", False, "fewest points"),
    ("max_abs_delta", True, "longest movement"),
    ("n_strokes", True, "most strokes"),
    ("aspect", True, "widest"),
    ("aspect", False, "tallest"),
)


class Pictured(NamedTuple):
    """One drawing of the picture.

    Attributes:
        id: its name.
        why: what is wrong with it, or in what it is extreme.
        points: [n_points, 3] = (dx, dy, pen_lift).
    """

    id: str
    why: str
    points: NDArray[Any]


class Chooser:
    """Which drawings are pictured: rejected ones, each reason in turn; with none, the extreme ones.

    Memory holds `CELLS` positions for each set of reasons and each extreme.
    """

    def __init__(self) -> None:
        self._rejected: dict[tuple[str, ...], list[int]] = {}
        self._extreme = [(np.zeros(0, dtype=np.int64), np.zeros(0)) for _ in EXTREMES]

    def rejected(self, reasons: Sequence[str], positions: NDArray[np.int64]) -> None:
        """Take in drawings that break the same rules; positions rise from call to call."""
        if "empty" not in reasons:
            same = self._rejected.setdefault(tuple(reasons), [])
            same += positions[: CELLS - len(same)].tolist()

    def extremes(self, start: int, frame: pd.DataFrame) -> None:
        """Take in the features of the drawings from position `start` on."""
        for index, (column, largest, _) in enumerate(EXTREMES):
            before, values = self._extreme[index]
            positions = np.concatenate([before, start + np.arange(len(frame))])
            values = np.concatenate([values, frame[column].to_numpy(dtype=np.float64)])
            order = np.argsort(-values if largest else values, kind="stable")[:CELLS]
            self._extreme[index] = positions[order], values[order]

    def chosen(self) -> dict[int, str]:
        """Position → why, ascending."""
        found: dict[int, str] = {}
        for turn in range(CELLS):
            for names, positions in self._rejected.items():
                if turn < len(positions) and len(found) < CELLS:
                    found[positions[turn]] = ", ".join(names)
        if not found:
            each = CELLS // len(EXTREMES)
            for (_, _, why), (places, values) in zip(EXTREMES, self._extreme, strict=True):
                for position, value in zip(places.tolist(), values.tolist(), strict=True):
                    if position not in found and sum(why in w for w in found.values()) < each:
                        found[position] = f"{why}: {value:.4g}"
        return dict(sorted(found.items()))


def write(path: Path, pictured: Sequence[Pictured]) -> None:
    """Keep the chosen drawings, so that the picture can be made again."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("id", pa.string()), ("why", pa.string()), ("points", pa.list_(pa.float64()))])
    rows = [{**one._asdict(), "points": np.asarray(one.points, np.float64).ravel()} for one in pictured]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, compression="zstd")


def read(path: Path) -> list[Pictured]:
    """The drawings that `write` kept; none where there is no such file."""
    import pyarrow.parquet as pq

    if not path.is_file():
        return []
    return [
        Pictured(row["id"], row["why"], np.array(row["points"], dtype=np.float64).reshape(-1, 3))
        for row in pq.read_table(path).to_pylist()
    ]


def draw(path: Path, pictured: Sequence[Pictured]) -> None:
    """Write the picture, SVG: a cell a drawing, each stroke in its own colour, its points dots, y downwards."""
    rows = max(-(-len(pictured) // COLUMNS), 1)
    width, height = COLUMNS * _WIDTH, rows * _HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="10" text-anchor="middle" '
        'fill="none" stroke-linecap="round" stroke-linejoin="round">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for index, one in enumerate(pictured):
        left, top = index % COLUMNS * _WIDTH, index // COLUMNS * _HEIGHT
        middle, corner = left + _WIDTH / 2, (left + (_WIDTH - _SIDE) / 2, top + _HEIGHT - _SIDE - 8)
        parts.append(f'<text x="{middle:g}" y="{top + 18}" fill="black">{_short(one.id)}</text>')
        parts.append(f'<text x="{middle:g}" y="{top + 32}" fill="#b00020">{_short(one.why)}</text>')
        lines = [(line * _SIDE + corner).round(1).tolist() for line in strokes(one.points)]
        for number, line in enumerate(lines):
            way = "L".join(f"{x:g} {y:g}" for x, y in line)
            parts.append(f'<path stroke="{_COLOURS[number % len(_COLOURS)]}" d="M{way}"/>')
        dots = "".join(f"M{x:g} {y:g}h0" for line in lines for x, y in line)
        parts.append(f'<path stroke="#666" stroke-width="2" d="{dots}"/>')
    files.write_text(path, "\n".join([*parts, "</svg>\n"]))


def strokes(points: NDArray[Any]) -> list[NDArray[np.float64]]:
    """The strokes of a drawing, [n, 2] each, scaled into the unit square with their proportions.

    Values that are not finite count as no movement; a pen value of 0.5 or more lifts the pen.
    """
    points = np.asarray(points, dtype=np.float64)[:MAX_POINTS]
    if not len(points):
        return []
    moves = np.nan_to_num(points[:, :2], nan=0.0, posinf=0.0, neginf=0.0).clip(-1e9, 1e9)
    places = np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
    size = max(float(np.ptp(places, axis=0).max()), 1e-9)
    places = (places - places.min(axis=0)) / size + (1 - np.ptp(places, axis=0) / size) / 2
    lifts = np.flatnonzero(points[:, 2] >= 0.5) + 2  # the first row of `places` is the origin
    return [part for part in np.split(places, lifts) if len(part)]


def _short(text: str) -> str:
    """At most 28 characters, as XML."""
    text = "".join(one if one.isprintable() else "�" for one in text)
    return html.escape(text if len(text) <= 28 else f"{text[:13]}…{text[-14:]}")
