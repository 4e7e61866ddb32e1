"""Figure of a grid of drawings."""

import xml.etree.ElementTree as ET

import numpy as np

from strokecast.common import figures
from strokecast.evaluation.draw.figures import plot_grid, stroke_lines
from strokecast.evaluation.draw.metrics import DrawingGrid

SVG = "{http://www.w3.org/2000/svg}"


def read_cells(path):
    """The groups of lines in an SVG grid: (row, column) → the paths in each."""
    cells = {}
    for group in ET.parse(path).iter(f"{SVG}g"):
        name = group.get("id", "")
        if name.startswith("cell-"):
            row, column = map(int, name.split("-")[1:])
            cells[row, column] = list(group.iter(f"{SVG}path"))
    return cells


def test_lines_start_at_the_first_point_and_break_where_the_pen_lifts():
    points = np.array([[2, 0, 0], [0, 2, 1], [-2, 0, 1], [0, -2, 0], [4, 0, 1]], np.float32)
    first, dot, last = stroke_lines(points)
    unit = 0.84 / 4
    np.testing.assert_allclose(np.diff(first, axis=0), [[2 * unit, 0], [0, 2 * unit]])
    np.testing.assert_allclose(dot[0], dot[1])
    np.testing.assert_allclose(dot[0] - first[0], [0, 2 * unit], atol=1e-12)
    np.testing.assert_allclose(last[0] - first[0], [0, 0], atol=1e-12)
    lines = np.concatenate([first, dot, last])
    np.testing.assert_allclose((lines.max(axis=0) + lines.min(axis=0)) / 2, 0, atol=1e-12)
    single_point = stroke_lines(np.array([[0, 0, 1]], np.float32))
    assert np.isfinite(single_point[0]).all()


def test_a_grid_has_one_group_of_lines_per_drawing_in_svg_and_png(tmp_path, real):
    rows = [[real.strokes[0], None, real.strokes[1]], [real.strokes[2], real.strokes[3], None]]
    grid = DrawingGrid("<title>", ["a & b", "c"], ["x", "y", "z"], rows, {(0, 0): "a & b", (0, 2): "c"})
    figure = plot_grid(grid)
    figures.save(figure, tmp_path / "grid.svg")
    figures.save(figure, tmp_path / "grid.png")
    cells = read_cells(tmp_path / "grid.svg")
    assert set(cells) == {(0, 0), (0, 2), (1, 0), (1, 1)}
    assert all(len(paths) == 2 for paths in cells.values()), "one path per stroke"
    orange = [place for place, paths in cells.items() if "#d55e00" in paths[0].get("style", "").lower()]
    assert orange == [(0, 2)]
    assert (tmp_path / "grid.png").read_bytes().startswith(b"\x89PNG")


def test_a_grid_names_the_source_of_its_drawings(tmp_path, real):
    grid = DrawingGrid("title", ["a"], ["x"], [[real.strokes[0]]])
    figures.save(plot_grid(grid, "Quick, Draw! drawings."), tmp_path / "grid.svg")
    assert "Quick, Draw! drawings." in " ".join((tmp_path / "grid.svg").read_text().split())
