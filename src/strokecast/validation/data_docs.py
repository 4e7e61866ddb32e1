"""Data Docs: Great Expectations' HTML pages, and an index that opens without a network.

Everything is rendered from `report.json` alone, so that pages that are missing or belong to
another report can be built again at any time. They carry timestamps and are no DVC output.
"""

from __future__ import annotations

import csv
import datetime
import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strokecast.common import files, paths

if TYPE_CHECKING:
    from strokecast.validation.sketches.worst import Pictured

INDEX = "index.html"
SITE = "great_expectations"
REPORT = "report.json"

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.35rem .6rem;"
    "text-align:left;vertical-align:top}td.n{text-align:right}.stop,.quarantine{color:#b00020}.warn{color:#8a5a00}"
    ".kept{color:#1b6e2e}"
)


def folder(dataset: str) -> Path:
    """Where the Data Docs of a dataset lie."""
    return paths.REPORTS / "data_docs" / dataset


def write(
    dataset: str,
    report: dict[str, Any],
    rejected: Iterable[Iterable[str]] | None = None,
    pictures: Sequence[Pictured] = (),
) -> Path:
    """Render a report; returns the path of the index.

    Args:
        dataset: `sketches` or `series`.
        report: contents of `report.json`.
        rejected: (row, reason, reason ...) of every rejected row, where no quarantine is written
            because the pipeline stops; gone through once, before `pictures` is looked at.
        pictures: drawings to show.
    """
    with files.new_folder(folder(dataset)) as temporary:
        pages = _site(report, (temporary / SITE).resolve())
        if rejected is not None:
            with (temporary / "rejected.csv").open("w", encoding="utf-8", newline="") as file:
                lines = csv.writer(file)
                lines.writerow(["row", "reasons"])
                lines.writerows([row, " ".join(names)] for row, *names in rejected)
        if pictures:
            from strokecast.validation.sketches import worst

            worst.draw(temporary / worst.PICTURE, pictures)
        picture = worst.PICTURE if pictures else ""
        files.write_text(temporary / INDEX, _index(report, pages, picture, stopped=rejected is not None))
        files.write_json(temporary / REPORT, report)
    return folder(dataset) / INDEX


def rebuild(dataset: str) -> bool:
    """Render the Data Docs again where they are missing or not those of the validated data.

    Costs two small reads and imports nothing heavy where there is nothing to do.

    Returns:
        Whether anything was written.
    """
    try:
        report = (paths.VALIDATED / dataset / REPORT).read_bytes()
    except FileNotFoundError:
        return False
    there = folder(dataset)
    if (there / INDEX).is_file() and (there / REPORT).is_file() and (there / REPORT).read_bytes() == report:
        return False
    from strokecast.validation.sketches import worst

    found = files.read_json(paths.VALIDATED / dataset / REPORT)
    write(dataset, found, pictures=worst.read(paths.VALIDATED / dataset / worst.FILE))
    return True


def _site(report: dict[str, Any], base: Path) -> list[str]:
    """Build Great Expectations' site in `base` (absolute); returns the pages, relative to `base`."""
    from strokecast.validation.checks import new_context

    context = new_context()
    from great_expectations.core.expectation_validation_result import (
        ExpectationSuiteValidationResult,
        expectationSuiteValidationResultSchema,
    )
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    from strokecast.validation import expectations  # noqa: F401  registers the Expectations that it defines

    backend = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(base)}
    index = {"class_name": "DefaultSiteIndexBuilder", "show_cta_footer": False}
    context.add_data_docs_site(
        SITE,
        {
            "class_name": "SiteBuilder",
            "site_index_builder": index,
            "show_how_to_buttons": False,
            "store_backend": backend,
        },
    )
    run = RunIdentifier(
        run_name=f"validate@{report['dataset']}", run_time=datetime.datetime.now(datetime.UTC)
    )
    for suite in report["suites"]:
        meta = {**suite["meta"], "run_id": run.to_json_dict()}
        found = expectationSuiteValidationResultSchema.load({**suite, "meta": meta})
        if isinstance(found, dict):
            found = ExpectationSuiteValidationResult(**found)
        key = ValidationResultIdentifier(
            expectation_suite_identifier=ExpectationSuiteIdentifier(suite["suite_name"]),
            run_id=run,
            batch_identifier=suite["suite_name"],
        )
        context.validation_results_store.set(key, found)
    context.build_data_docs(site_names=[SITE])
    return sorted(page.relative_to(base).as_posix() for page in base.glob("validations/**/*.html"))


def _observed(value: Any) -> str:
    if value is None:
        return "nothing to look at"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _index(report: dict[str, Any], pages: list[str], picture: str, *, stopped: bool) -> str:
    def cell(value: Any, name: str = "") -> str:
        return (
            f'<td class="{name}">{html.escape(str(value))}</td>'
            if name
            else f"<td>{html.escape(str(value))}</td>"
        )

    rows = []
    for found in report["expectations"]:
        state = "kept" if found["success"] else found["action"]
        more = found["unexpected_count"] - len(found["examples"])
        examples = ", ".join(found["examples"]) + (f" and {more:,} more" if more > 0 else "")
        cells = [
            cell(found["rule"]),
            cell(found["statement"]),
            cell("kept" if found["success"] else f"broken: {found['action']}", state),
            cell(_observed(found["observed_value"]), "n"),
            cell(f"{found['unexpected_count']:,}", "n"),
            cell(examples),
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    heads = ("rule", "what should hold", "result", "observed", "rows that break it", "which ones")
    parts = ("read", "accepted", "quarantined", "outside", "partial", "filled")
    counts = ", ".join(f"{report[part]:,} {part}" for part in parts if part in report)
    links = " · ".join(
        f'<a href="{SITE}/{html.escape(page)}">{html.escape(Path(page).stem)}</a>' for page in pages
    )
    note = (
        '<p class="stop">The pipeline stopped here; nothing was written to data/validated. '
        '<a href="rejected.csv">All rejected rows</a>.</p>'
        if stopped
        else f"<p>Rejected rows, whole: data/validated/{html.escape(report['dataset'])}/quarantine.parquet</p>"
    )
    head = "Drawings set aside" if report["quarantined"] else "The most extreme drawings"
    shown = f'<h2>{head}</h2><img src="{picture}" alt="{head}" style="max-width:100%">' if picture else ""
    title = f"Data Docs: {html.escape(report['dataset'])} from {html.escape(str(report['source']))}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1><p>{counts}</p>{note}"
        f"<table><thead><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>{shown}"
        f"<p>Pages of Great Expectations, with the rows by value: {links}</p></body></html>\n"
    )
