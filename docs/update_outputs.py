"""Run the examples of README and docs and write their outputs into the pages.

    make pictures                                                   # runs this after the pictures
    .venv/bin/python docs/update_outputs.py docs/guide/presets.md   # one page

Two comments mark an example:

- `<!-- file: NAME -->` above a code block: the block is the file NAME.
- `<!-- output -->` above a `console` block: each line `$ command` is run, and what it prints follows it.
  `lines=N` keeps the first N lines; `needs=run` skips the block while there are no trained models.

The commands of a page run one after the other in a copy of this checkout and of its `models/` and `reports/`, so that nothing here changes. The page is left as it is if one of its commands fails.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUN_OUTPUTS = ("models", "reports")
EXAMPLE = re.compile(
    r"^<!-- (?P<kind>file|output)(?P<options>[^\n]*?) -->\n(?P<fence>```\w*\n)(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def pages(root: Path = ROOT) -> list[Path]:
    """README.md and the pages of docs/ that have examples."""
    found = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    return [path for path in found if EXAMPLE.search(path.read_text(encoding="utf-8"))]


def commands(body: str) -> list[str]:
    """The commands of a console block: lines after `$ `, with their continuation lines."""
    return [found.group(1) for found in re.finditer(r"^\$ ((?:.*\\\n)*.*)$", body, re.MULTILINE)]


DVC_HINTS = "\nTo track the changes with git, run:"  # the last lines of `dvc repro`


def shorten(text: str, lines: int | None) -> str:
    """The first `lines` lines of `text` without trailing spaces, `...` for the rest; all lines for None."""
    kept = [line.rstrip() for line in text.partition(DVC_HINTS)[0].strip("\n").splitlines()]
    if lines is not None and len(kept) > lines:
        kept = [*kept[:lines], "..."]
    return "".join(f"{line}\n" for line in kept)


def options(text: str) -> tuple[int | None, bool]:
    """(lines to keep, whether a finished run is needed) from the text of a marker."""
    lines = re.search(r"lines=(\d+)", text)
    return int(lines.group(1)) if lines else None, "needs=run" in text


def copy_checkout(folder: Path) -> None:
    """Copy what git does not ignore, as a repository of its own, and the outputs of the run."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and name.split("/")[0] not in (*RUN_OUTPUTS, "data", "mlruns"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    for name in RUN_OUTPUTS:  # copies, because DVC refuses outputs behind links
        shutil.copytree(name, folder / name)


def update(page: Path, folder: Path, environment: dict[str, str], has_run: bool) -> int:
    """Run the examples of one page in `folder` and write their outputs; returns the number of blocks that were run.

    Raises:
        RuntimeError: if a command fails; the page is not written then.
    """
    text = page.read_text(encoding="utf-8")
    parts, end, count = [], 0, 0
    for found in EXAMPLE.finditer(text):
        parts.append(text[end : found.start("body")])
        end = found.end("body")
        if found["kind"] == "file":
            (folder / found["options"].lstrip(": ")).write_text(found["body"], encoding="utf-8")
            parts.append(found["body"])
            continue
        lines, needs_run = options(found["options"])
        if needs_run and not has_run:
            parts.append(found["body"])
            continue
        count += 1
        parts += [
            f"$ {command}\n{shorten(output, lines)}"
            for command, output in _outputs(found["body"], folder, environment)
        ]
    page.write_text("".join([*parts, text[end:]]), encoding="utf-8")
    return count


def _outputs(body: str, folder: Path, environment: dict[str, str]) -> Iterator[tuple[str, str]]:
    for command in commands(body):
        done = subprocess.run(
            command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=900
        )
        if done.returncode:
            raise RuntimeError(f"`{command}` ended with code {done.returncode}: {done.stderr.strip()[-500:]}")
        yield command, done.stdout


def main(names: list[str]) -> int:
    """Update the named pages (all if none is named); returns how many failed."""
    failed = 0
    has_run = Path("reports/leaderboard.csv").is_file()
    environment = os.environ | {
        "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
    }
    for page in [ROOT / name for name in names] or pages():
        with tempfile.TemporaryDirectory() as work_dir:
            folder = Path(work_dir) / "strokecast"
            folder.mkdir()
            copy_checkout(folder)
            try:
                count = update(page, folder, environment | {"PYTHONPATH": str(folder / "src")}, has_run)
                print(f"{page.relative_to(ROOT)}: {count} examples run")
            except RuntimeError as error:
                failed += 1
                print(f"{page.relative_to(ROOT)}: left as it is: {error}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
