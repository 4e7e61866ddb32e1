"""Make the pictures of the README and the docs, and their table of results, from a finished run.

    make pictures                                  # after `make repro`
    .venv/bin/python docs/make_pictures.py board   # one of them

Reads `reports/`, `models/draw/` and `mlruns/` of the working folder. Writes `docs/pictures/` and the text between
`<!-- results:begin -->` and `<!-- results:end -->` of README.md and docs/index.md. Equal reports give equal files, but
for screenshots. A picture whose inputs are missing is left as it is, and a line says why.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from picture_makers.board import screenshot_board
from picture_makers.inputs import MissingInputError
from picture_makers.pipeline import draw_pipeline
from picture_makers.report import screenshot_report
from picture_makers.results import write_results
from picture_makers.run import draw_forecast, draw_ranking, draw_strip

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
LIMIT = 200_000  # bytes of a picture

MAKERS: dict[str, Callable[[Path, Path], str]] = {
    "results": lambda folder, reports: write_results(folder.parents[1], reports),
    "pipeline": draw_pipeline,
    "drawings": draw_strip,
    "forecast": draw_forecast,
    "ranking": draw_ranking,
    "board": screenshot_board,
    "report": screenshot_report,
}


def main(names: list[str], folder: Path = PICTURES, reports: Path = Path("reports")) -> int:
    """Make the named pictures (all if none is named); returns how many could not be made."""
    from strokecast.common import environment

    environment.prepare()
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name in names or list(MAKERS):
        try:
            print(f"{name}: {MAKERS[name](folder, reports)}")
        except (MissingInputError, subprocess.SubprocessError, OSError, KeyError) as error:
            failed += 1
            print(f"{name}: left as it is: {error}", file=sys.stderr)
    for path in folder.iterdir():
        if path.stat().st_size > LIMIT:
            failed += 1
            print(f"{path.name}: {path.stat().st_size:,} bytes, more than {LIMIT:,}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    unknown = set(sys.argv[1:]) - set(MAKERS)
    if unknown:
        sys.exit(f"error: {', '.join(sorted(unknown))} is not valid; choose from {', '.join(MAKERS)}")
    sys.exit(min(main(sys.argv[1:]), 1))
