"""The gallery: a picture of rejected or extreme drawings, and the parquet file it is rendered from."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strokecast.common import files

PARQUET_FILE = "worst.parquet"
SVG_FILE = "worst.svg"
MAX_POINTS = 5_000  # points per drawing that are rendered
_COLUMNS = 6
_CELL_WIDTH, _CELL_HEIGHT, _DRAWING_SIZE = 176, 200, 144  # pixels
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#17becf")


class GalleryDrawing(NamedTuple):
    """One drawing of the gallery.

    Attributes:
        id: its id.
        why: the rules that it fails, or in what it is extreme.
        points: [n_points, 3] = (dx, dy, pen_lift).
    """

    id: str
    why: str
    points: NDArray[Any]


def write_parquet(path: Path, drawings: Sequence[GalleryDrawing]) -> None:
    """Store the drawings, so that the picture can be rendered again."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("id", pa.string()), ("why", pa.string()), ("points", pa.list_(pa.float64()))])
    rows = [
        {**drawing._asdict(), "points": np.asarray(drawing.points, np.float64).ravel()}
        for drawing in drawings
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, compression="zstd")


def read_parquet(path: Path) -> list[GalleryDrawing]:
    """The drawings that `write_parquet` stored; none if the file does not exist."""
    import pyarrow.parquet as pq

    if not path.is_file():
        return []
    return [
        GalleryDrawing(row["id"], row["why"], np.array(row["points"], dtype=np.float64).reshape(-1, 3))
        for row in pq.read_table(path).to_pylist()
    ]


def write_svg(path: Path, drawings: Sequence[GalleryDrawing]) -> None:
    """Render the drawings as SVG: one cell per drawing, one colour per stroke, points as dots, y down."""
    n_rows = max(-(-len(drawings) // _COLUMNS), 1)
    width, height = _COLUMNS * _CELL_WIDTH, n_rows * _CELL_HEIGHT
    elements = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="10" text-anchor="middle" '
        'fill="none" stroke-linecap="round" stroke-linejoin="round">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for index, drawing in enumerate(drawings):
        left, top = index % _COLUMNS * _CELL_WIDTH, index // _COLUMNS * _CELL_HEIGHT
        middle = left + _CELL_WIDTH / 2
        origin = (left + (_CELL_WIDTH - _DRAWING_SIZE) / 2, top + _CELL_HEIGHT - _DRAWING_SIZE - 8)
        elements.append(f'<text x="{middle:g}" y="{top + 18}" fill="black">{_caption(drawing.id)}</text>')
        elements.append(f'<text x="{middle:g}" y="{top + 32}" fill="#b00020">{_caption(drawing.why)}</text>')
        strokes = [
            (stroke * _DRAWING_SIZE + origin).round(1).tolist() for stroke in scaled_strokes(drawing.points)
        ]
        for number, stroke in enumerate(strokes):
            path_data = "L".join(f"{x:g} {y:g}" for x, y in stroke)
            elements.append(f'<path stroke="{_COLOURS[number % len(_COLOURS)]}" d="M{path_data}"/>')
        dots = "".join(f"M{x:g} {y:g}h0" for stroke in strokes for x, y in stroke)
        elements.append(f'<path stroke="#666" stroke-width="2" d="{dots}"/>')
    files.write_text(path, "\n".join([*elements, "</svg>\n"]))


def scaled_strokes(points: NDArray[Any]) -> list[NDArray[np.float64]]:
    """The strokes of a drawing, float64 [n, 2] each, scaled into the unit square; the aspect ratio is kept.

    Values that are not finite count as 0. A pen value of 0.5 or more lifts the pen.
    """
    points = np.asarray(points, dtype=np.float64)[:MAX_POINTS]
    if not len(points):
        return []
    moves = np.nan_to_num(points[:, :2], nan=0.0, posinf=0.0, neginf=0.0).clip(-1e9, 1e9)
    positions = np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
    size = max(float(np.ptp(positions, axis=0).max()), 1e-9)
    margin = (1 - np.ptp(positions, axis=0) / size) / 2
    positions = (positions - positions.min(axis=0)) / size + margin
    ends = np.flatnonzero(points[:, 2] >= 0.5) + 2  # the first row of `positions` is the origin
    return [stroke for stroke in np.split(positions, ends) if len(stroke)]


def _caption(text: str) -> str:
    """At most 28 printable characters, escaped for XML."""
    text = "".join(character if character.isprintable() else "\ufffd" for character in text)
    return html.escape(text if len(text) <= 28 else f"{text[:13]}…{text[-14:]}")
