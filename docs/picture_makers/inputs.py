"""What the pictures are made of: the reports of a finished run, and Chromium for screenshots."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

HEADLINES = {  # task → its metric in leaderboard.csv, what it is, its unit
    "classify": ("accuracy", "strokes to class: accuracy", "%"),
    "watch": ("accuracy", "video to class: accuracy", "%"),
    "draw": ("recognised", "class to strokes: drawings that the judge recognises", "%"),
    "forecast": ("mae", "the next days: mean absolute error (MAE)", ""),
}


class MissingInputError(Exception):
    """A picture cannot be made: something that it shows is not there."""


def read_summary(task: str, reports: Path) -> dict[str, Any]:
    """`reports/<task>/summary.json`.

    Raises:
        MissingInputError: if there is none.
    """
    path = reports / task / "summary.json"
    if not path.is_file():
        raise MissingInputError(f"no {path}: run `make repro`")
    summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return summary


def read_leaderboard(reports: Path) -> list[dict[str, str]]:
    """The rows of `reports/leaderboard.csv`, per task best model first.

    Raises:
        MissingInputError: if there is none.
    """
    path = reports / "leaderboard.csv"
    if not path.is_file():
        raise MissingInputError(f"no {path}: run `make repro`")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def find_chromium() -> str:
    """Path of Chromium.

    Raises:
        MissingInputError: if there is none.
    """
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise MissingInputError("no Chromium on the PATH (Debian: `apt-get install chromium`)")
