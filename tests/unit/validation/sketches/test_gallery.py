"""The gallery: which drawings it shows, and that any drawing can be rendered."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from strokecast.params import SketchQuality
from strokecast.sources.formats.reading import Group
from strokecast.validation.sketches import gallery
from strokecast.validation.sketches.gallery_selection import MAX_DRAWINGS
from strokecast.validation.sketches.source import SketchSource
from strokecast.validation.sketches.validate import validate_sketches

TARGET = Path("data/validated/sketches")


def gallery_of(groups: list[Group], source: SketchSource) -> list[gallery.GalleryDrawing]:
    settings = SketchQuality(max_quarantined=1.0, missing_class="warn", imbalance="warn")
    validate_sketches(lambda: iter(groups), source, settings)
    return gallery.read_parquet(TARGET / gallery.PARQUET_FILE)


def test_rejected_drawings_are_shown_each_reason_in_turn(groups, sketch_source) -> None:
    first = groups[0].drawings[0]
    drawings = [np.tile(first + np.array([0, 0, 2]), (n + 1, 1)) for n in range(30)]
    drawings[29] = drawings[29].astype(np.float64)
    drawings[29][0, 0] = np.nan
    groups[0] = Group("crab", "train", drawings, [f"crab/train/{n}" for n in range(30)], [])
    shown = gallery_of(groups, sketch_source)
    assert len(shown) == MAX_DRAWINGS
    assert shown[-1].id == "crab/train/29"
    assert "non_finite" in shown[-1].why
    np.testing.assert_array_equal(shown[0].points, drawings[0])


def test_without_rejected_drawings_the_most_extreme_ones_are_shown(groups, sketch_source) -> None:
    groups[1].drawings[3] = np.tile(groups[1].drawings[3], (9, 1))
    captions = {drawing.id: drawing.why for drawing in gallery_of(groups, sketch_source)}
    assert len(captions) == MAX_DRAWINGS
    assert captions["crab/valid/3"] == f"most points: {len(groups[1].drawings[3])}"
    page = Path("reports/data_docs/sketches/index.html").read_text()
    assert "Most extreme drawings" in page


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((0, 3)),
        np.zeros((4, 3)),
        np.array([[np.nan, np.inf, np.nan]] * 3),
        np.array([[1e300, -1e300, 1]] * 2),
        np.array([[3, 4, 1]]),
    ],
)
def test_any_drawing_can_be_rendered(points: np.ndarray, tmp_path: Path) -> None:
    for stroke in gallery.scaled_strokes(points):
        assert np.isfinite(stroke).all()
        assert (stroke >= -1e-9).all()
        assert (stroke <= 1 + 1e-9).all()
    name = "an id <&\x00 that is much too long to be shown in full"
    gallery.write_svg(tmp_path / "a.svg", [gallery.GalleryDrawing(name, "x", points)] * 7)
    picture = ElementTree.parse(tmp_path / "a.svg").getroot()
    texts = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["an id <&\ufffd tha… shown in full", "x"] * 7
    assert float(picture.get("height", 0)) == 400, "two rows of six"
