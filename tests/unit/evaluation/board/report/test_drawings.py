"""The sections of the report page that show drawings."""

import json

import pytest

from strokecast.evaluation.board.report.drawings import drawing_sections

STROKES = [[0, 0, 255, 0, 0, 128], [-127, 0]]


@pytest.fixture
def write_task(tmp_path):
    """Function that writes the summary and the gallery of a task."""

    def write(task, names, **gallery):
        folder = tmp_path / task
        folder.mkdir()
        summary = {"models": [{"model": name} for name in names]}
        (folder / "summary.json").write_text(json.dumps(summary))
        (folder / "gallery.json").write_text(json.dumps({"attribution": "By <people>."} | gallery))
        return drawing_sections(tmp_path, task)

    return write


def classify_gallery(models, **changes):
    return {
        "classes": ["ant", "bed", "cat"],
        "matrix_classes": [0, 1, 2],
        "test": 2,
        "labels": [0, 1],
        "drawings": [STROKES, STROKES],
        "models": models,
    } | changes


def test_the_first_section_holds_the_data_of_all_and_models_are_in_the_order_of_the_leaderboard(write_task):
    models = [{"name": name} for name in ("gru", "gru-seed2", "lstm-seed3", "lstm")]
    models[0]["attention"] = [[0, [100, 100, 100]]]
    confusion, mistakes, attention = write_task("classify", ["lstm", "gru"], **classify_gallery(models))
    assert [section.anchor for section in (confusion, mistakes, attention)] == [
        "classify-confusion",
        "classify-mistakes",
        "classify-attention",
    ]
    names = [model["name"] for model in confusion.data["models"]]
    assert names == ["lstm-seed3", "lstm", "gru", "gru-seed2"]
    assert not mistakes.data
    assert not attention.data
    for section in (confusion, mistakes, attention):
        assert f'data-source="{confusion.data_id}"' in section.html
        assert "By &lt;people&gt;." in section.html
    assert "test drawings;" not in confusion.html, "the page holds all"


def test_without_attention_there_is_no_such_section_and_what_is_left_out_is_named(write_task):
    gallery = classify_gallery([{"name": "gru"}], test=5000, matrix_classes=[0, 2])
    confusion, mistakes = write_task("watch", ["gru"], **gallery)
    assert mistakes.anchor == "watch-mistakes"
    text = " ".join(confusion.html.split())
    assert "Of 3 classes those 2 are shown" in text
    assert "The page holds 2 of 5,000 test drawings" in text


def test_generated_drawings_name_their_judge(write_task):
    grid = {
        "name": "temperatures",
        "rows": ["ant"],
        "columns": ["real"],
        "cells": [[STROKES]],
        "judged": [[None]],
    }
    (section,) = write_task("draw", ["m"], judge="<gru>", models=[{"name": "m", "grids": [grid]}])
    assert "<code>&lt;gru&gt;</code>" in section.html
    assert section.data["models"][0]["grids"][0]["label"] == "By temperature"


def test_a_task_without_a_gallery_has_no_sections(tmp_path):
    assert drawing_sections(tmp_path, "forecast") == []
