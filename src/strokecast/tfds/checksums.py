"""Makes `checksums.tsv`, the sizes and sha256 of the official files in the format of TensorFlow Datasets.

The data comes from `strokecast.sources.sketches.quickdraw.official_files`; a test compares both.
`python -m strokecast.tfds.checksums` writes the file again.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from strokecast.common import files
from strokecast.sources.sketches import quickdraw

PATH = Path(__file__).with_name("checksums.tsv")


def table() -> str:
    """One line per file, sorted by URL: URL, bytes, sha256 and file name, separated by tabs."""
    rows = [
        f"{quickdraw.OFFICIAL}/{quickdraw.FOLDER}/{quote(label)}.npz\t{info['bytes']}\t{info['sha256']}\t{label}.npz\n"
        for label, info in quickdraw.official_files().items()
    ]
    return "".join(sorted(rows))


if __name__ == "__main__":
    files.write_text(PATH, table())
