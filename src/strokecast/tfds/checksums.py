"""`checksums.tsv` beside this module: the table of official files in the form that TFDS looks for.

There is one table, `strokecast.sources.sketches.quickdraw.official_files`; this one is made from it
(a test compares them): `python -m strokecast.tfds.checksums` writes it anew.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from strokecast.common import files
from strokecast.sources.sketches import quickdraw

PATH = Path(__file__).with_name("checksums.tsv")


def table() -> str:
    """One line a file, sorted by its address: url, bytes, sha256, file name, parted by tabs."""
    rows = [
        f"{quickdraw.OFFICIAL}/sketchrnn/{quote(label)}.npz\t{facts['bytes']}\t{facts['sha256']}\t{label}.npz\n"
        for label, facts in quickdraw.official_files().items()
    ]
    return "".join(sorted(rows))


if __name__ == "__main__":
    files.write_text(PATH, table())
