"""`checksums.tsv` equals the table of official files."""

from __future__ import annotations

import csv
from pathlib import Path

import strokecast.datasets as sketches
from strokecast.tfds import checksums


def test_checksums_equal_the_table_of_official_files():
    assert checksums.PATH.read_text(encoding="utf-8") == checksums.table(), (
        "run `python -m strokecast.tfds.checksums`"
    )
    infos = sketches.SketchRnn.url_infos  # TFDS reads the file
    assert len(infos) == 345
    url = "https://storage.googleapis.com/quickdraw_dataset/sketchrnn/The%20Eiffel%20Tower.npz"
    assert infos[url].size == 8_353_942
    assert infos[url].filename == "The Eiffel Tower.npz"


def test_checksums_equal_the_official_list(quickdraw_mirror: Path):
    with (quickdraw_mirror / "official_sketchrnn_files.csv").open(encoding="utf-8", newline="") as file:
        official = {row["path"]: (int(row["bytes"]), row["sha256"]) for row in csv.DictReader(file)}
    table = {
        f"sketchrnn/{info.filename}": (int(info.size), info.checksum)
        for info in sketches.SketchRnn.url_infos.values()
    }
    assert table == official
