"""Validation of drawings: one pass to judge them, one to write what is accepted and what is not.

Memory holds one class of drawings at a time, and the feature table (about 50 bytes a drawing).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from strokecast import files, paths
from strokecast.errors import UserError
from strokecast.params import SketchQuality
from strokecast.quality import rules
from strokecast.quality.drawings import SPLITS, Table, flatten
from strokecast.quality.rules import Outcome, Rule, Verdict
from strokecast.stage import progress

if TYPE_CHECKING:
    import pandas as pd

Read = Callable[[], Iterable[tuple[str, str, Sequence[NDArray[Any]]]]]
QUANTILES = {"min": 0.0, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "max": 1.0}


def drawing_rules(settings: SketchQuality, known: Sequence[str]) -> list[Rule]:
    """The rules that judge single drawings; one fault of a drawing breaks one of them.

    An empty drawing breaks `empty` alone. `open_end` leaves drawings to `too_short` that are
    shorter than `min_points`, and those whose last pen value is no number or neither 0 nor 1 to
    `non_finite` and `bad_pen`. `huge_delta` and `bad_pen` look at finite values. Empty drawings
    and drawings of unknown classes are no `duplicate`.
    """
    s, drawn = settings, ("n_points", ">", 0.0)
    short = f"a drawing has {s.min_points} points or more (quality.sketches.min_points)"
    long = f"a drawing has {s.max_points} points or fewer (quality.sketches.max_points)"
    huge = f"no |dx| or |dy| is above {s.max_delta:g} (quality.sketches.max_delta)"
    known_fix = "add the class to the source, or set quality.sketches.unknown_class to quarantine"
    return [
        Rule("empty", s.empty, "a drawing has a point", "at_least", "n_points", 1),
        Rule("too_short", s.too_short, short, "at_least", "n_points", s.min_points, drawn),  # type: ignore[arg-type]
        Rule("too_long", s.too_long, long, "at_most", "n_points", s.max_points),
        Rule("non_finite", s.non_finite, "no value is NaN or infinite", "at_most", "n_nonfinite", 0),
        Rule("huge_delta", s.huge_delta, huge, "at_most", "max_abs_delta", s.max_delta),
        Rule("bad_pen", s.bad_pen, "every pen_lift is 0 or 1", "at_most", "n_bad_pen", 0),
        Rule("open_end", s.open_end, "the last point lifts the pen", "at_least", "last_pen", 1),
        Rule(
            "duplicate", s.duplicate, "no earlier drawing has the same points", "at_most", "earlier_copies", 0
        ),
        Rule(
            "unknown_class",
            s.unknown_class,
            "the source names the class",
            "in_set",
            "label",
            known,
            fix=known_fix,
        ),
    ]


def class_rules(settings: SketchQuality) -> list[Rule]:
    """The rules that judge the classes by their accepted drawings."""
    few = f"no class has {settings.max_imbalance:g} times fewer training drawings than the largest"
    return [
        Rule(
            "imbalance",
            settings.imbalance,
            f"{few} (quality.sketches.max_imbalance)",
            "at_most",
            "largest_over_this",
            settings.max_imbalance,
            noun="classes",
            fix="raise quality.sketches.max_imbalance, or set quality.sketches.imbalance to warn",
        ),
        Rule(
            "missing_class",
            settings.missing_class,
            "every class has a drawing in train, valid and test",
            "at_least",
            "drawings",
            1,
            noun="classes and splits",
            fix="leave the class out of the source, or set quality.sketches.missing_class to warn",
        ),
    ]


def total_rules(settings: SketchQuality) -> list[Rule]:
    """The rule that judges the dataset as a whole."""
    return [
        Rule(
            "max_quarantined",
            "stop",
            f"at most {settings.max_quarantined:.1%} of all drawings are set aside (quality.sketches.max_quarantined)",
            "at_most",
            "share_set_aside",
            settings.max_quarantined,
            noun="dataset",
            fix="mend the source, or change the rules or the share in quality.sketches",
        )
    ]


def validate(
    read: Read,
    source: Mapping[str, Any],
    settings: SketchQuality,
    target: Path = paths.VALIDATED / "sketches",
    where: str = str(paths.RAW / "sketches"),
) -> Outcome:
    """Judge all drawings; write `target` and the Data Docs.

    `target` gets `train.parquet`, `valid.parquet`, `test.parquet` (id string, label string,
    length int32, points list<float32> = [n_points * 3], a row group a class),
    `quarantine.parquet` (id, label, split, reasons list<string>, points list<double>) and
    `report.json`.

    Args:
        read: gives (label, split, drawings [n_points, 3]) class by class; called twice.
        source: contents of `source.json`: `source` and `classes` are used.
        settings: `quality.sketches` of params.yaml.
        target: folder of the validated drawings.
        where: what was read, for messages.

    Raises:
        UserError: if a rule with the action `stop` is broken, too many drawings are set aside, or
            there is none. `target` stays as it was; the Data Docs tell what is wrong.
    """
    from strokecast.quality import docs

    known = list(source["classes"])
    least = 1 if settings.too_short == "warn" else settings.min_points
    table = Table(known, least)
    for label, split, drawings in progress(read(), "judging", 3 * len(known), "split"):
        table.add(label, split, drawings)
    if not table.read:
        raise UserError("holds no drawing", where=where, fix="look at sketches in params.yaml")
    frame = table.finish()
    verdicts, suites, counts, reasons = _judge(frame, table, settings)
    report = _report(source, frame, verdicts, suites, reasons, counts)
    failure = rules.error(verdicts, "sketches", where, str(docs.folder("sketches") / docs.INDEX))
    if failure:
        rejected = ((table.name(position), *names) for position, names in reasons.items())
        docs.write("sketches", report, rejected)
        raise failure
    with files.new_folder(target) as folder:
        accepted, quarantined = _write(read, table, reasons, folder)
        rules.balance(report["read"], accepted=accepted, quarantined=quarantined)
        files.write_json(folder / "report.json", report)
    docs.write("sketches", report)
    why = f" ({rules.tally(reasons)})" if reasons else ""
    line = f"{table.read:,} read: {accepted:,} accepted, {quarantined:,} quarantined{why}"
    return Outcome(line, rules.warnings(verdicts), report)


def _judge(
    frame: pd.DataFrame, table: Table, settings: SketchQuality
) -> tuple[list[Verdict], list[dict[str, Any]], pd.DataFrame, dict[int, list[str]]]:
    """Verdicts, suites as Great Expectations recorded them, accepted counts, reasons by position."""
    import pandas as pd

    from strokecast.quality import checks

    def drawing(rule: Rule, position: int) -> checks.Named:
        name = table.name(position)
        if rule.name != "duplicate":
            return name, {"id": name}
        return name, {"id": name, "same points as": table.name(int(table.first_copy[position]))}

    verdicts, suite = checks.run("drawings", frame, drawing_rules(settings, table.known), drawing)
    rejected = rules.reasons(verdicts)
    counts = table.counts(frame, rejected)

    def group(rule: Rule, position: int) -> checks.Named:
        row = counts.iloc[position]
        name = f"{row['label']}/{row['split']}"
        return name, {"class": name, "drawings": str(row["drawings"])}

    share = len(rejected) / len(frame)
    told = f"{len(rejected):,} of {len(frame):,} drawings: {rules.tally(rejected)}"
    totals = pd.DataFrame({"share_set_aside": [share]})
    by_class, class_suite = checks.run("classes", counts, class_rules(settings), group)
    whole, total_suite = checks.run(
        "totals", totals, total_rules(settings), lambda *_: (told, {"dataset": told})
    )
    return [*verdicts, *by_class, *whole], [suite, class_suite, total_suite], counts, rejected


def _report(
    source: Mapping[str, Any],
    frame: pd.DataFrame,
    verdicts: Sequence[Verdict],
    suites: list[dict[str, Any]],
    reasons: Mapping[int, Sequence[str]],
    counts: pd.DataFrame,
) -> dict[str, Any]:
    mask = np.ones(len(frame), dtype=bool)
    mask[list(reasons)] = False
    lengths = frame["n_points"].to_numpy()[mask]
    quantiles = {
        name: int(np.quantile(lengths, level, method="inverted_cdf"))
        for name, level in (QUANTILES.items() if len(lengths) else ())
    }
    by_split = {split: counts[counts["split"] == split] for split in SPLITS}
    return {
        "dataset": "sketches",
        "source": source["source"],
        "read": len(frame),
        "accepted": int(mask.sum()),
        "quarantined": len(reasons),
        "classes": list(source["classes"]),
        "counts": {
            split: dict(zip(rows["label"].tolist(), rows["drawings"].tolist(), strict=True))
            for split, rows in by_split.items()
        },
        "length": quantiles,
        "expectations": [verdict.record() for verdict in verdicts],
        "suites": suites,
    }


def _write(read: Read, table: Table, reasons: Mapping[int, Sequence[str]], folder: Path) -> tuple[int, int]:
    """Write the accepted and the quarantined drawings; returns how many rows each got."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    head = [("id", pa.string()), ("label", pa.string())]
    good = pa.schema([*head, ("length", pa.int32()), ("points", pa.list_(pa.float32()))])
    bad = pa.schema(
        [
            *head,
            ("split", pa.string()),
            ("reasons", pa.list_(pa.string())),
            ("points", pa.list_(pa.float64())),
        ]
    )
    accepted = quarantined = position = 0
    with ExitStack() as stack:

        def writer(name: str, schema: Any) -> Any:
            path = folder / f"{name}.parquet"
            return stack.enter_context(pq.ParquetWriter(path, schema, compression="zstd"))

        outputs = {split: writer(split, good) for split in SPLITS}
        aside = writer("quarantine", bad)
        for label, split, drawings in progress(read(), "writing", 3 * len(table.known), "split"):
            names = [f"{label}/{split}/{index}" for index in range(len(drawings))]
            why = [reasons.get(position + index) for index in range(len(drawings))]
            position += len(drawings)
            keep = [index for index, found in enumerate(why) if not found]
            drop = [index for index, found in enumerate(why) if found]
            if keep:
                flat, offsets = flatten([drawings[index] for index in keep])
                points = pa.ListArray.from_arrays(pa.array(offsets * 3, pa.int32()), pa.array(flat.ravel()))
                ids = [names[index] for index in keep]
                columns = [ids, [label] * len(keep), np.diff(offsets).astype(np.int32), points]
                outputs[split].write_table(pa.table(columns, schema=good))
            if drop:
                ids = [names[index] for index in drop]
                raw = [np.asarray(drawings[index], dtype=np.float64).ravel() for index in drop]
                fields = [ids, [label] * len(drop), [split] * len(drop), [why[index] for index in drop], raw]
                aside.write_table(pa.table(fields, schema=bad))
            accepted += len(keep)
            quarantined += len(drop)
    rules.balance(table.read, **{"read again": position})
    return accepted, quarantined
