"""`reports/draw/gallery.json`."""

import json
from dataclasses import replace

from strokecast.evaluation.common.drawings import encode_strokes
from strokecast.evaluation.draw.gallery import write_gallery
from strokecast.evaluation.draw.metrics import DrawingGrid


def test_it_holds_every_grid_with_what_the_judge_says(tmp_path, draw_inputs, make_drawing):
    drawing = make_drawing(3)
    grid = DrawingGrid(
        "by hand", ["ant", "bed"], ["real", "1"], [[drawing] * 2, [drawing, None]], {(0, 1): "bed"}
    )
    results = draw_inputs.results
    results["good", 2] = replace(results["good", 2], grids={"samples": grid, "temperatures": grid})
    write_gallery(tmp_path / "gallery.json", draw_inputs.trained_models, results, "gru", "By people.")
    contents = json.loads((tmp_path / "gallery.json").read_text())
    assert (contents["judge"], contents["attribution"]) == ("gru", "By people.")
    assert [model["name"] for model in contents["models"]] == ["free", "poor", "good", "good-seed2"]
    samples, _ = contents["models"][3]["grids"]
    strokes = encode_strokes(drawing)
    assert samples == {
        "name": "samples",
        "title": "by hand",
        "rows": ["ant", "bed"],
        "columns": ["real", "1"],
        "cells": [[strokes, strokes], [strokes, None]],
        "judged": [[None, "bed"], [None, None]],
    }
