"""Writes `reports/index.html`: one self-contained interactive file that reads nothing from the network."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from strokecast.common.errors import UserError
from strokecast.common.files import write_text
from strokecast.evaluation.board.report.calibration import calibration_section
from strokecast.evaluation.board.report.costs import costs_section
from strokecast.evaluation.board.report.curves import breakdown_section, curves_section
from strokecast.evaluation.board.report.drawings import drawing_sections
from strokecast.evaluation.board.report.forecasts import forecasts_section
from strokecast.evaluation.board.report.leaderboard import leaderboard_section, published_section
from strokecast.evaluation.board.report.overview import task_overview
from strokecast.evaluation.board.report.pairs import pairs_section
from strokecast.evaluation.board.report.provenance import provenance_section
from strokecast.evaluation.board.report.quality import quality_section
from strokecast.evaluation.board.report.searches import search_sections
from strokecast.evaluation.board.report.section import Section
from strokecast.evaluation.board.report.templates import render
from strokecast.evaluation.board.task_tables import TaskTable

_ASSETS = Path(__file__).with_name("report") / "assets"
_STYLE = "page.css"
_SCRIPTS = ("tables.js",)


def write_page(
    path: Path,
    reports: Path,
    task_tables: Sequence[TaskTable],
    attributions: Sequence[str],
    models: Path | None = None,
    validated: Path | None = None,
    datasets: Sequence[str] = (),
    searches: Path | None = None,
) -> None:
    """Write the page.

    Args:
        path: of the page.
        reports: folder of the tasks' reports.
        task_tables: leaderboards of the tasks, in the order of the page.
        attributions: of the data.
        models: folder of the trainings, whose git revisions and environments the page names; None: it names none.
        validated: folder of the validated datasets; None: the page says nothing on validation and drift.
        datasets: names of the datasets.
        searches: folder of the records of `strokecast tune`; None: the page shows no searches.

    Raises:
        UserError: if Plotly's script is missing.
    """
    tasks = [
        (table, task_sections(table, reports / table.summary["task"], searches)) for table in task_tables
    ]
    data_sections: list[Section] = []
    if validated is not None:
        data_sections += _existing(quality_section(validated, dataset) for dataset in datasets)
    summaries = [table.summary for table in task_tables]
    data_sections.append(provenance_section(models, summaries, attributions))
    sections = [*(section for _, own in tasks for section in own), *data_sections]
    scripts = [*_SCRIPTS, *_unique(section.script for section in sections)]
    styles = [_STYLE, *_unique(section.style for section in sections)]
    page = render(
        "page.html.j2",
        overviews=[task_overview(summary) for summary in summaries],
        tasks=tasks,
        data_sections=data_sections,
        embedded_data=[(one.data_id, inline_json(one.data)) for one in sections if one.data],
        styles=Markup("\n".join(_asset(name) for name in styles)),
        plotly=Markup(_plotly_script()),
        scripts=[Markup(_asset(name)) for name in scripts],
    )
    write_text(path, str(page))


def task_sections(table: TaskTable, report_dir: Path, searches: Path | None = None) -> list[Section]:
    """The sections of one task, in the order of the page."""
    summary = table.summary
    return _existing(
        [
            leaderboard_section(table),
            published_section(table),
            pairs_section(report_dir, summary),
            costs_section(summary),
            forecasts_section(report_dir, summary) if summary["task"] == "forecast" else None,
            breakdown_section(report_dir, summary),
            calibration_section(report_dir, summary),
            curves_section(report_dir, summary),
            *(search_sections(searches, summary["task"]) if searches is not None else ()),
            *drawing_sections(report_dir.parent, summary["task"]),
        ]
    )


def inline_json(value: Any) -> Markup:
    """`value` as JSON that cannot end the element it stands in."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _existing(sections: Iterable[Section | None]) -> list[Section]:
    return [section for section in sections if section is not None]


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _plotly_script() -> str:
    """Plotly's minified script, from the package; its modules are not imported."""
    spec = importlib.util.find_spec("plotly")
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        path = Path(folder) / "package_data" / "plotly.min.js"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise UserError("plotly is not installed", fix="run `make env`")
