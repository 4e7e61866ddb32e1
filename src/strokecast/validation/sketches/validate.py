"""Validate drawings in two passes: one to check them, one to write accepted and rejected ones.

Memory holds one class file of drawings at a time, and bounded batches of everything else, however
many drawings there are. Data between the passes is on disk beside the target folder: about 75
bytes per drawing, plus its id unless that follows from the order.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from strokecast.common import files, paths
from strokecast.common.console import progress
from strokecast.common.errors import UserError
from strokecast.params import SketchQuality
from strokecast.validation import messages
from strokecast.validation.drift import drift_report
from strokecast.validation.profiles import ReferenceProfile, read_reference
from strokecast.validation.rules import Rule, RuleResult, ValidationOutcome, check_row_counts
from strokecast.validation.sketches import gallery, rules, writing
from strokecast.validation.sketches.groups import NOT_RECOGNIZED, SPLITS, ReadGroups
from strokecast.validation.sketches.source import SketchSource
from strokecast.validation.sketches.spool import Spools
from strokecast.validation.sketches.table import DrawingTable
from strokecast.validation.sketches.tally import ALL, ValidationTally

if TYPE_CHECKING:
    import pandas as pd

    from strokecast.validation.suites import RowDescription


def validate_sketches(
    read_groups: ReadGroups,
    source: SketchSource,
    settings: SketchQuality,
    reference: str | None = None,
    target: Path = paths.VALIDATED / "sketches",
    location: str = str(paths.RAW / "sketches"),
) -> ValidationOutcome:
    """Validate all drawings; write `target` and the Data Docs.

    Writes to `target`:

    * `train.parquet`, `valid.parquet`, `test.parquet`: accepted drawings (id string, label string,
      length int32, points list<float32> = [n_points * 3]; if the source has times, times
      list<int32> = [n_points], ms since the drawing began). A row group holds one class.
    * `quarantine.parquet`: rejected drawings and records (id, label, split, reasons list<string>,
      points list<double>, detail string). Rejected records have a detail, no split and perhaps no
      label.
    * `worst.parquet`: the drawings that the Data Docs show.
    * `report.json`.

    Args:
        read_groups: returns the drawings and rejected records, group by group; called twice.
        source: facts about the source.
        settings: `quality.sketches` of params.yaml.
        reference: `quality.reference`: an earlier report to compare with; None: no comparison.
        target: folder of the validated drawings.
        location: what was read, for messages.

    Raises:
        UserError: if a rule with the action `stop` fails, too many drawings are rejected, or there
            are no drawings. `target` is unchanged; the Data Docs show the failures.
    """
    from strokecast.validation import data_docs

    reference_profile = None if reference is None else read_reference(reference, "sketches")
    with Spools(target.parent) as spools:
        table = DrawingTable(
            source.classes, 1 if settings.too_short == "warn" else settings.min_points, spools
        )
        for group in progress(read_groups(), "reading", unit=" groups"):
            table.add(group)
        if not table.n_read:
            raise UserError("has no drawings", location=location, fix="check sketches in params.yaml")
        tally = ValidationTally(rules.drawing_rules(settings, source.classes), table.labels, spools)
        results, suite_results, class_table = _apply_rules(table, tally, settings)
        drift_entries, drift_result, drift_suite = _check_drift(tally, settings, reference_profile)
        results.append(drift_result)
        suite_results.append(drift_suite)
        report = _build_report(source, table, tally, results, suite_results, class_table) | drift_entries
        docs_index = str(data_docs.folder("sketches") / data_docs.INDEX)
        error = messages.stop_error(results, "sketches", location, docs_index)
        captions = tally.gallery.selection()
        if error:
            gallery_drawings: list[gallery.GalleryDrawing] = []
            rejected = writing.list_rejected(read_groups, tally, captions, gallery_drawings)
            data_docs.write("sketches", report, rejected, gallery_drawings)
            raise error
        with files.new_folder(target) as staging_dir:
            written = writing.write_parquet(read_groups, tally, captions, staging_dir)
            check_row_counts(table.n_read, accepted=written.n_accepted, quarantined=written.n_quarantined)
            gallery.write_parquet(staging_dir / gallery.PARQUET_FILE, written.gallery)
            files.write_json(staging_dir / "report.json", report)
    data_docs.write("sketches", report, gallery_drawings=written.gallery)
    reasons = f" ({messages.format_counts(tally.reason_counts)})" if tally.reason_counts else ""
    line = (
        f"{table.n_read:,} read: {written.n_accepted:,} accepted, "
        f"{written.n_quarantined:,} quarantined{reasons}"
    )
    return ValidationOutcome(line, messages.warning_lines(results, "sketches"), report)


def _apply_rules(
    table: DrawingTable, tally: ValidationTally, settings: SketchQuality
) -> tuple[list[RuleResult], list[dict[str, Any]], pd.DataFrame]:
    """Apply all rules but drift, and fill `tally`.

    Returns:
        Results, Great Expectations' results of the suites, and `ValidationTally.class_table`.
    """
    import pandas as pd

    from strokecast.validation import suites

    def describe_drawing(rule: Rule, position: int) -> RowDescription:
        name = table.name(position)
        if rule.name not in ("duplicate", "duplicate_across"):
            return name, {"id": name}
        return name, {"id": name, "same points as": table.first_copy(position)}

    def describe_record(_: Rule, position: int) -> RowDescription:
        name = table.name(position)
        return name, {"id": name, "reason": table.reject_detail(position)}

    drawing_validator = suites.SuiteValidator(
        "drawings", rules.drawing_rules(settings, table.classes), describe_drawing
    )
    for start, frame in progress(table.drawing_batches(), "applying the rules", unit=" batches"):
        tally.add(start, frame, drawing_validator.add(frame))
    record_rules = rules.record_rules(settings)
    record_validator = suites.SuiteValidator("lines", record_rules, describe_record)
    for _, frame in table.record_batches():
        tally.count_reasons(record_rules, record_validator.add(frame))
    tally.n_quarantined += table.reject_counts.total()
    drawing_results, drawing_suite = drawing_validator.finish()
    record_results, record_suite = record_validator.finish()
    class_table = tally.class_table(table.classes)

    def describe_class(_: Rule, position: int) -> RowDescription:
        row = class_table.iloc[position]
        name = f"{row['label']}/{row['split']}"
        return name, {"class": name, "drawings": str(row["drawings"])}

    class_results, class_suite = suites.validate_table(
        "classes", class_table, rules.class_rules(settings), describe_class
    )
    n_excluded = table.reject_counts[NOT_RECOGNIZED]  # by an option of the source
    n_rejected, n_drawings = tally.n_quarantined - n_excluded, table.n_read - n_excluded
    summary = f"{n_rejected:,} of {n_drawings:,} drawings: {messages.format_counts(tally.reason_counts)}"
    totals = pd.DataFrame({"quarantined_share": [n_rejected / n_drawings if n_drawings else 0.0]})
    dataset_results, dataset_suite = suites.validate_table(
        "totals", totals, rules.dataset_rules(settings), lambda *_: (summary, {"dataset": summary})
    )
    results = [*record_results, *drawing_results, *class_results, *dataset_results]
    return results, [record_suite, drawing_suite, class_suite, dataset_suite], class_table


def _check_drift(
    tally: ValidationTally, settings: SketchQuality, reference: ReferenceProfile | None
) -> tuple[dict[str, Any], RuleResult, dict[str, Any]]:
    """Compare the accepted drawings of the splits, and all of them with the reference.

    Returns:
        The entries `profile` and `drift` of the report, the result, and Great Expectations' result.
    """
    import pandas as pd

    from strokecast.validation import suites

    split_profiles = tally.profiles()
    overall = split_profiles.pop(ALL)
    drift = drift_report(split_profiles, settings.drift_alpha, reference, overall)
    frame = pd.DataFrame(
        [
            {"name": f"{feature['feature']}, {comparison['a']} and {comparison['b']}", **feature}
            for comparison in drift["comparisons"]
            for feature in comparison["features"]
            if feature["test"] != "none"
        ],
        columns=["name", "feature", "effect", "drifted", "a", "b", "p_adjusted"],
    )
    frame["distance"] = np.where(frame["drifted"].astype(bool), frame["effect"].astype(float), 0.0)

    def describe(_: Rule, position: int) -> RowDescription:
        row = frame.iloc[position]
        sides = {
            side: f"{row[side]:.4g}" if isinstance(row[side], float) else str(row[side])
            for side in ("a", "b")
        }
        return row["name"], {"feature": row["name"], "adjusted p": f"{row['p_adjusted']:.2g}", **sides}

    (result,), suite_result = suites.validate_table("drift", frame, rules.drift_rules(settings), describe)
    return {"profile": overall, "drift": drift}, result, suite_result


def _build_report(
    source: SketchSource,
    table: DrawingTable,
    tally: ValidationTally,
    results: list[RuleResult],
    suite_results: list[dict[str, Any]],
    class_table: pd.DataFrame,
) -> dict[str, Any]:
    by_split = {split: class_table[class_table["split"] == split] for split in SPLITS}
    return {
        "dataset": "sketches",
        "source": source.source,
        "read": table.n_read,
        "accepted": table.n_read - tally.n_quarantined,
        "quarantined": tally.n_quarantined,
        "rejects": dict(sorted(table.reject_counts.items())),
        "classes": list(source.classes),
        "counts": {
            split: dict(zip(rows["label"].tolist(), rows["drawings"].tolist(), strict=True))
            for split, rows in by_split.items()
        },
        "length": tally.length_quantiles(),
        "expectations": [result.to_json() for result in results],
        "suites": suite_results,
    }
