"""Data Docs: Great Expectations' HTML pages, and an index page that needs no network.

Everything is rendered from `report.json` and `worst.parquet`, so missing or outdated pages can be
rebuilt at any time. The pages carry timestamps, so they are not a DVC output.
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
    from strokecast.validation.sketches.gallery import GalleryDrawing

INDEX = "index.html"
SITE = "great_expectations"
REPORT = "report.json"

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.35rem .6rem;"
    "text-align:left;vertical-align:top}td.n{text-align:right}.stop,.quarantine{color:#b00020}.warn{color:#8a5a00}"
    ".passed{color:#1b6e2e}"
)
_HEADERS = ("rule", "expected", "result", "observed", "failing rows", "examples")
_COUNTS = ("read", "accepted", "quarantined", "outside", "filled")


def folder(dataset: str) -> Path:
    """Folder of the Data Docs of a dataset."""
    return paths.REPORTS / "data_docs" / dataset


def write(
    dataset: str,
    report: dict[str, Any],
    rejected: Iterable[Iterable[str]] | None = None,
    gallery_drawings: Sequence[GalleryDrawing] = (),
) -> Path:
    """Render the Data Docs of a report.

    Args:
        dataset: `sketches` or `series`.
        report: contents of `report.json`.
        rejected: (row, reason, reason ...) of every rejected row if the pipeline stops, because
            no quarantine is written then. Iterated once, before `gallery_drawings` is read.
        gallery_drawings: drawings to show.

    Returns:
        Path of the index page.
    """
    with files.new_folder(folder(dataset)) as staging_dir:
        pages = _build_site(report, (staging_dir / SITE).resolve())
        if rejected is not None:
            with (staging_dir / "rejected.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["row", "reasons"])
                writer.writerows([row, " ".join(reasons)] for row, *reasons in rejected)
        image = ""
        if gallery_drawings:
            from strokecast.validation.sketches import gallery

            image = gallery.SVG_FILE
            gallery.write_svg(staging_dir / image, gallery_drawings)
        files.write_text(staging_dir / INDEX, _render_index(report, pages, image, rejected is not None))
        files.write_json(staging_dir / REPORT, report)
    return folder(dataset) / INDEX


def rebuild(dataset: str) -> bool:
    """Render the Data Docs again if they are missing or do not match the validated data.

    If they are up to date, this costs two small reads and imports no large library.

    Returns:
        Whether anything was written.
    """
    try:
        report = (paths.VALIDATED / dataset / REPORT).read_bytes()
    except FileNotFoundError:
        return False
    docs_dir = folder(dataset)
    if (
        (docs_dir / INDEX).is_file()
        and (docs_dir / REPORT).is_file()
        and (docs_dir / REPORT).read_bytes() == report
    ):
        return False
    from strokecast.validation.sketches import gallery

    validated_dir = paths.VALIDATED / dataset
    write(
        dataset,
        files.read_json(validated_dir / REPORT),
        gallery_drawings=gallery.read_parquet(validated_dir / gallery.PARQUET_FILE),
    )
    return True


def _build_site(report: dict[str, Any], site_dir: Path) -> list[str]:
    """Build Great Expectations' site in `site_dir` (absolute); returns its pages, relative to it."""
    from strokecast.validation.suites import new_context

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

    from strokecast.validation import expectations  # noqa: F401  registers its Expectations

    base_directory = str(site_dir).replace("$", r"\$")  # Great Expectations substitutes $NAME
    backend = {"class_name": "TupleFilesystemStoreBackend", "base_directory": base_directory}
    context.add_data_docs_site(
        SITE,
        {
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder", "show_cta_footer": False},
            "show_how_to_buttons": False,
            "store_backend": backend,
        },
    )
    run = RunIdentifier(
        run_name=f"validate@{report['dataset']}", run_time=datetime.datetime.now(datetime.UTC)
    )
    for suite in report["suites"]:
        meta = {**suite["meta"], "run_id": run.to_json_dict()}
        validation = expectationSuiteValidationResultSchema.load({**suite, "meta": meta})
        if isinstance(validation, dict):
            validation = ExpectationSuiteValidationResult(**validation)
        key = ValidationResultIdentifier(
            expectation_suite_identifier=ExpectationSuiteIdentifier(suite["suite_name"]),
            run_id=run,
            batch_identifier=suite["suite_name"],
        )
        context.validation_results_store.set(key, validation)
    context.build_data_docs(site_names=[SITE])
    return sorted(page.relative_to(site_dir).as_posix() for page in site_dir.glob("validations/**/*.html"))


def _render_index(report: dict[str, Any], pages: list[str], image: str, stopped: bool) -> str:
    header = "".join(f"<th>{name}</th>" for name in _HEADERS)
    rows = "".join(_rule_row(rule) for rule in report["expectations"])
    counts = ", ".join(f"{report[name]:,} {name}" for name in _COUNTS if name in report)
    links = " · ".join(
        f'<a href="{SITE}/{html.escape(page)}">{html.escape(Path(page).stem)}</a>' for page in pages
    )
    note = (
        '<p class="stop">The pipeline stopped here; nothing was written to data/validated. '
        '<a href="rejected.csv">All rejected rows</a>.</p>'
        if stopped
        else f"<p>All rejected rows: data/validated/{html.escape(report['dataset'])}/quarantine.parquet</p>"
    )
    heading = "Rejected drawings" if report["quarantined"] else "Most extreme drawings"
    gallery = f'<h2>{heading}</h2><img src="{image}" alt="{heading}" style="max-width:100%">' if image else ""
    title = f"Data Docs: {html.escape(report['dataset'])} from {html.escape(str(report['source']))}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1><p>{counts}</p>{note}"
        f"<table><thead><tr>{header}</tr></thead>"
        f"<tbody>{rows}</tbody></table>{gallery}"
        f"<p>Great Expectations' pages, with failing rows by value: {links}</p></body></html>\n"
    )


def _rule_row(rule: dict[str, Any]) -> str:
    """A table row for a rule's entry in the report."""
    n_unnamed = rule["unexpected_count"] - len(rule["examples"])
    examples = ", ".join(rule["examples"]) + (f" and {n_unnamed:,} more" if n_unnamed > 0 else "")
    passed = rule["success"]
    cells = [
        _cell(rule["rule"]),
        _cell(rule["statement"]),
        _cell("passed" if passed else f"failed: {rule['action']}", "passed" if passed else rule["action"]),
        _cell(_format_observed(rule["observed_value"]), "n"),
        _cell(f"{rule['unexpected_count']:,}", "n"),
        _cell(examples),
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _cell(text: str, css_class: str = "") -> str:
    attribute = f' class="{css_class}"' if css_class else ""
    return f"<td{attribute}>{html.escape(text)}</td>"


def _format_observed(value: Any) -> str:
    if value is None:
        return "no rows to check"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:.10g}" if isinstance(value, float) else str(value)
