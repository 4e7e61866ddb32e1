"""The sections that show drawings: confusion, mistakes, attention, and what models drew.

A browser draws them from the strokes in `reports/<task>/gallery.json`, which the evaluation writes. The first section of
a task holds its data for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from strokecast.common.files import read_json
from strokecast.evaluation.board.report.section import Section
from strokecast.evaluation.board.report.templates import render

_SCRIPT, _STYLE = "drawings.js", "drawings.css"
_GRIDS = {  # name of a grid of the task draw → its name on the page
    "samples": "Samples",
    "temperatures": "By temperature",
    "reconstructions": "Reconstructions",
    "interpolation": "Interpolation",
}


def drawing_sections(reports: Path, task: str) -> list[Section]:
    """The sections of a task that show drawings; none for a task without a gallery.

    Args:
        reports: folder of the tasks' reports.
        task: one of `strokecast.params.TASKS`.
    """
    path = reports / task / "gallery.json"
    if not path.is_file():
        return []
    gallery = read_json(path)
    names = [model["model"] for model in read_json(path.with_name("summary.json"))["models"]]
    gallery["models"] = _ranked(gallery["models"], names)
    if task == "draw":
        return [_generated_section(task, gallery)]
    first = Section(
        f"{task}-confusion",
        "Confusion matrix and its drawings",
        _html("confusion", f"{task}-confusion", gallery),
        gallery,
        _SCRIPT,
        _STYLE,
    )
    mistakes = _html("mistakes", first.anchor, gallery)
    sections = [first, Section(f"{task}-mistakes", "Mistakes", mistakes, script=_SCRIPT)]
    if any(model.get("attention") for model in gallery["models"]):
        attention = _html("attention", first.anchor, gallery)
        sections.append(Section(f"{task}-attention", "Attention over strokes", attention, script=_SCRIPT))
    return sections


def _generated_section(task: str, gallery: dict[str, Any]) -> Section:
    for model in gallery["models"]:
        for grid in model["grids"]:
            grid["label"] = _GRIDS[grid["name"]]
    anchor = f"{task}-generated"
    html = _html("generated", anchor, gallery)
    return Section(anchor, "Generated and real drawings", html, gallery, _SCRIPT, _STYLE)


def _ranked(models: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Mapping[str, Any]]:
    """The models of a gallery in the order of the leaderboard; further seeds (`gru-seed2`) follow their model."""
    rank = {name: place for place, name in enumerate(names)}

    def place(model: Mapping[str, Any]) -> int:
        name = model["name"]
        return rank[name] if name in rank else rank[name.rpartition("-seed")[0]]

    return sorted(models, key=place)


def _html(view: str, anchor: str, gallery: Mapping[str, Any]) -> Any:
    """The template of a view, which the script fills from the data of the section `anchor`."""
    return render("drawings.html.j2", view=view, data_id=f"{anchor}-data", gallery=gallery)
