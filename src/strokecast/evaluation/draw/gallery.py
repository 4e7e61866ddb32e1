"""Writes `reports/draw/gallery.json`: the grids of every trained model, which the report page draws."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from strokecast.common.files import write_text
from strokecast.evaluation.common.drawings import encode_strokes
from strokecast.evaluation.common.ranking import Key
from strokecast.evaluation.common.trained_models import TrainedModels, display_labels
from strokecast.evaluation.draw.metrics import DrawingGrid, GenerationResult


def write_gallery(
    path: Path,
    trained_models: TrainedModels,
    results: Mapping[Key, GenerationResult],
    judge: str,
    attribution: str = "",
) -> None:
    """Write the gallery.

    Args:
        path: file to write.
        trained_models: of draw.
        results: (name, seed) → result of that trained model.
        judge: name of the judge.
        attribution: of the real drawings; "" for none.
    """
    models = [
        {
            "name": label,
            "grids": [_to_json(name, grid) for name, grid in results[model.key].grids.items()],
        }
        for name, labels in display_labels(trained_models).items()
        for label, model in zip(labels, trained_models.by_name(name), strict=True)
    ]
    gallery = {"judge": judge, "attribution": attribution, "models": models}
    write_text(path, json.dumps(gallery, ensure_ascii=False, separators=(",", ":")) + "\n")


def _to_json(name: str, grid: DrawingGrid) -> dict[str, Any]:
    return {
        "name": name,
        "title": grid.title,
        "rows": list(grid.row_labels),
        "columns": list(grid.column_labels),
        "cells": [[None if cell is None else encode_strokes(cell) for cell in row] for row in grid.cells],
        "judged": [
            [grid.judged.get((row, column)) for column in range(len(cells))]
            for row, cells in enumerate(grid.cells)
        ],
    }
