"""Validation of drawings: one pass to judge them, one to write what is accepted and what is not.

Memory holds one class file of drawings at a time, and bounded parts of all else, however many
drawings there are: what a pass leaves for the next waits on disk, about 75 bytes a drawing and its id
where that does not follow from the order, beside the folder that is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from strokecast.common import files, paths
from strokecast.common.errors import UserError
from strokecast.common.stage import progress
from strokecast.params import SketchQuality
from strokecast.validation import rules
from strokecast.validation.rules import Outcome, Rule, Verdict
from strokecast.validation.sketches import placing, suite, worst
from strokecast.validation.sketches.drawings import SPLITS
from strokecast.validation.sketches.spool import Spools
from strokecast.validation.sketches.table import NOT_RECOGNIZED, Group, Table
from strokecast.validation.sketches.tallies import ALL, Accounts
from strokecast.validation.sketches.worst import Pictured

if TYPE_CHECKING:
    import pandas as pd

Read = Callable[[], Iterable[Group]]


def validate(
    read: Read,
    source: Mapping[str, Any],
    settings: SketchQuality,
    reference: str | None = None,
    target: Path = paths.VALIDATED / "sketches",
    where: str = str(paths.RAW / "sketches"),
) -> Outcome:
    """Judge all drawings; write `target` and the Data Docs.

    `target` gets `train.parquet`, `valid.parquet`, `test.parquet` (id string, label string,
    length int32, points list<float32> = [n_points * 3], and where the source has time, times
    list<int32> = [n_points], ms since the drawing began; a row group holds one class),
    `quarantine.parquet` (id, label, split, reasons list<string>, points list<double>, detail
    string: of a line or record that gave no drawing, whose split and perhaps label are null),
    `worst.parquet` (what the Data Docs picture) and `report.json`.

    Args:
        read: gives the drawings and rejects group by group; called twice.
        source: contents of `source.json`: `source` and `classes` are used.
        settings: `quality.sketches` of params.yaml.
        reference: `quality.reference` of params.yaml.
        target: folder of the validated drawings.
        where: what was read, for messages.

    Raises:
        UserError: if a rule with the action `stop` is broken, too many drawings are set aside, or
            there is none. `target` stays as it was; the Data Docs tell what is wrong.
    """
    from strokecast.validation import data_docs, drift

    against = None if reference is None else drift.reference(reference, "sketches")
    known = list(source["classes"])
    with Spools(target.parent) as spools:
        table = Table(known, 1 if settings.too_short == "warn" else settings.min_points, spools)
        for group in progress(read(), "judging", unit=" groups"):
            table.add(group)
        if not table.read:
            raise UserError("holds no drawing", where=where, fix="look at sketches in params.yaml")
        accounts = Accounts(suite.of_drawings(settings, known), table.labels, spools)
        verdicts, suites, counts = _judge(table, accounts, settings)
        moved, drift_verdict, drift_suite = _drift(accounts, settings, against)
        verdicts.append(drift_verdict)
        suites.append(drift_suite)
        report = _report(source, table, accounts, verdicts, suites, counts) | moved
        failure = rules.error(
            verdicts, "sketches", where, str(data_docs.folder("sketches") / data_docs.INDEX)
        )
        chosen = accounts.chooser.chosen()
        pictured: list[Pictured] = []
        if failure:
            data_docs.write("sketches", report, placing.look(read, accounts, chosen, pictured), pictured)
            raise failure
        with files.new_folder(target) as folder:
            accepted, quarantined, pictured = placing.write(read, accounts, chosen, folder)
            rules.balance(table.read, accepted=accepted, quarantined=quarantined)
            worst.write(folder / worst.FILE, pictured)
            files.write_json(folder / "report.json", report)
    data_docs.write("sketches", report, pictures=pictured)
    why = f" ({rules.told(accounts.tally)})" if accounts.tally else ""
    line = f"{table.read:,} read: {accepted:,} accepted, {quarantined:,} quarantined{why}"
    return Outcome(line, rules.warnings(verdicts), report)


def _judge(
    table: Table, accounts: Accounts, settings: SketchQuality
) -> tuple[list[Verdict], list[dict[str, Any]], pd.DataFrame]:
    """Verdicts, suites as Great Expectations recorded them, and accepted counts; fills `accounts`."""
    import pandas as pd

    from strokecast.validation import checks

    def drawing(rule: Rule, position: int) -> checks.Named:
        name = table.name(position)
        if rule.name not in ("duplicate", "duplicate_across"):
            return name, {"id": name}
        return name, {"id": name, "same points as": table.first_copy(position)}

    def line(rule: Rule, position: int) -> checks.Named:
        name = table.name(position)
        return name, {"id": name, "why": table.detail(position)}

    of_drawings, of_lines = suite.of_drawings(settings, table.known), suite.of_lines(settings)
    drawings = checks.Judge("drawings", of_drawings, drawing)
    for start, frame in progress(table.parts(), "applying the rules", unit=" parts"):
        accounts.add(start, frame, drawings.add(frame))
    lines = checks.Judge("lines", of_lines, line)
    for _, frame in table.lines():
        accounts.set_aside(of_lines, lines.add(frame))
    accounts.quarantined += table.kinds.total()
    judged, drawing_suite = drawings.finish()
    parsed, line_suite = lines.finish()
    counts = accounts.counts(table.known)

    def group(rule: Rule, position: int) -> checks.Named:
        row = counts.iloc[position]
        name = f"{row['label']}/{row['split']}"
        return name, {"class": name, "drawings": str(row["drawings"])}

    unwanted = table.kinds[NOT_RECOGNIZED]  # by the user's choice
    aside, of = accounts.quarantined - unwanted, table.read - unwanted
    told = f"{aside:,} of {of:,} drawings: {rules.told(accounts.tally)}"
    totals = pd.DataFrame({"share_set_aside": [aside / of if of else 0.0]})
    by_class, class_suite = checks.run("classes", counts, suite.of_classes(settings), group)
    whole, total_suite = checks.run(
        "totals", totals, suite.of_totals(settings), lambda *_: (told, {"dataset": told})
    )
    suites = [line_suite, drawing_suite, class_suite, total_suite]
    return [*parsed, *judged, *by_class, *whole], suites, counts


def _drift(
    accounts: Accounts, settings: SketchQuality, against: tuple[str, dict[str, Any]] | None
) -> tuple[dict[str, Any], Verdict, dict[str, Any]]:
    """`profile` and `drift` of the report, and the verdict on them, over accepted drawings."""
    import pandas as pd

    from strokecast.validation import checks, drift

    splits = accounts.profiles()
    whole = splits.pop(ALL)
    record = drift.record(splits, settings.drift_alpha, against, whole)
    rows = pd.DataFrame(
        [
            {"name": f"{one['feature']}, {pair['a']} and {pair['b']}", **one}
            for pair in record["comparisons"]
            for one in pair["features"]
            if one["test"] != "none"
        ],
        columns=["name", "feature", "effect", "drifted", "a", "b", "p_adjusted"],
    )
    rows["distance"] = np.where(rows["drifted"].astype(bool), rows["effect"].astype(float), 0.0)

    def name(rule: Rule, position: int) -> checks.Named:
        row = rows.iloc[position]
        told = {
            key: f"{row[key]:.4g}" if isinstance(row[key], float) else str(row[key]) for key in ("a", "b")
        }
        return row["name"], {"feature": row["name"], "adjusted p": f"{row['p_adjusted']:.2g}", **told}

    (verdict,), drift_suite = checks.run("drift", rows, suite.of_drift(settings), name)
    return {"profile": whole, "drift": record}, verdict, drift_suite


def _report(
    source: Mapping[str, Any],
    table: Table,
    accounts: Accounts,
    verdicts: list[Verdict],
    suites: list[dict[str, Any]],
    counts: pd.DataFrame,
) -> dict[str, Any]:
    by_split = {split: counts[counts["split"] == split] for split in SPLITS}
    return {
        "dataset": "sketches",
        "source": source["source"],
        "read": table.read,
        "accepted": table.read - accounts.quarantined,
        "quarantined": accounts.quarantined,
        "rejects": dict(sorted(table.kinds.items())),
        "classes": list(source["classes"]),
        "counts": {
            split: dict(zip(rows["label"].tolist(), rows["drawings"].tolist(), strict=True))
            for split, rows in by_split.items()
        },
        "length": accounts.lengths(),
        "expectations": [verdict.record() for verdict in verdicts],
        "suites": suites,
    }
