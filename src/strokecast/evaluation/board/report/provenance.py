"""Where the figures of the page come from: data sources, git revision and environment of the trainings.

All of it is read from inputs of the stage, so the same inputs give the same page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from strokecast.common.files import read_json
from strokecast.common.paths import model_dir
from strokecast.evaluation.board.notes import Summary
from strokecast.evaluation.board.report.section import Section
from strokecast.evaluation.board.report.templates import render


def provenance_section(
    models: Path | None, summaries: Sequence[Summary], attributions: Sequence[str]
) -> Section:
    """Attributions of the data and, if the folder of the models is given, what their trainings recorded."""
    revisions: Counter[str] = Counter()
    packages: set[str] = set()
    devices: Counter[str] = Counter()
    datasets: dict[str, str] = {}
    for folder in _trainings(models, summaries):
        run = read_json(folder / "run.json")
        commit = run.get("git_commit")
        if commit:
            revisions[f"{commit[:12]}{' with uncommitted changes' if run.get('git_dirty') else ''}"] += 1
        if run.get("device"):
            devices[run["device"]] += 1
        datasets[run["dataset"]["name"]] = run["dataset"]["digest"][:12]
        packages |= _environment(folder / "pyfunc")
    html = render(
        "provenance.html.j2",
        attributions=attributions,
        sources={summary["task"]: summary["source"] for summary in summaries},
        datasets=datasets,
        revisions=sorted(revisions.items()),
        packages=sorted(packages),
        devices=sorted(devices.items()),
    )
    return Section("provenance", "Data sources, revision and environment", html)


def _trainings(models: Path | None, summaries: Sequence[Summary]) -> list[Path]:
    """Folders of the evaluated trainings."""
    if models is None:
        return []
    folders = [
        model_dir(summary["task"], model["model"], seed, models)
        for summary in summaries
        for model in summary["models"]
        if model["training_ids"]  # a combination has none
        for seed in model["seeds"]
    ]
    return [folder for folder in folders if (folder / "run.json").is_file()]


def _environment(pyfunc: Path) -> set[str]:
    """The interpreter and the packages that a training recorded, with their versions; empty without a record."""
    packages, python = pyfunc / "requirements.txt", pyfunc / "python_env.yaml"
    if not packages.is_file() or not python.is_file():
        return set()
    (version,) = re.findall(r"^python: *(.+)$", python.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {f"Python {version.strip()}", *packages.read_text(encoding="utf-8").split()}
