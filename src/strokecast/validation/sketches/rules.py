"""The rules for drawings: for records, drawings, classes, the dataset, and drift."""

from __future__ import annotations

from collections.abc import Sequence

from strokecast.params import SketchQuality
from strokecast.validation.rules import Rule
from strokecast.validation.sketches.groups import DUPLICATE_KEY, NOT_RECOGNIZED

READ = "read"  # kind of a record that is a drawing, or that is excluded by an option


def record_rules(settings: SketchQuality) -> list[Rule]:
    """The rules for lines and records of the source files."""
    row_noun = "lines or records"
    return [
        Rule(
            "unreadable",
            settings.unreadable,
            "every line or record can be read as a drawing of its class",
            "in_set",
            "kind",
            [READ],
            row_noun=row_noun,
        ),
        Rule(
            DUPLICATE_KEY,
            settings.duplicate_key,
            "no earlier line or file has the same key_id (drop_duplicates of the source)",
            "at_most",
            "is_duplicate_key",
            0,
            row_noun=row_noun,
        ),
        Rule(
            NOT_RECOGNIZED,
            "quarantine",
            "the game recognized the drawing (recognized_only of the source)",
            "at_most",
            "is_not_recognized",
            0,
            row_noun=row_noun,
        ),
    ]


def drawing_rules(settings: SketchQuality, classes: Sequence[str]) -> list[Rule]:
    """The rules for single drawings. Each fault of a drawing fails one of them.

    An empty drawing fails only `empty`. `open_end` does not check drawings with fewer than
    `min_points` points (see `too_short`) or with an invalid last pen value (see `non_finite` and
    `bad_pen`). `huge_delta` and `bad_pen` check finite values only. Empty drawings and drawings of
    unlisted classes are never duplicates. A drawing with earlier copies in its own split and in
    an earlier split fails both `duplicate` and `duplicate_across`.

    Args:
        settings: `quality.sketches`.
        classes: the classes that the source lists.
    """
    s = settings
    return [
        Rule("empty", s.empty, "the drawing has at least one point", "at_least", "n_points", 1),
        Rule(
            "too_short",
            s.too_short,
            f"the drawing has at least {s.min_points} points (quality.sketches.min_points)",
            "at_least",
            "n_points",
            s.min_points,
            row_condition=("n_points", ">", 0.0),
        ),
        Rule(
            "too_long",
            s.too_long,
            f"the drawing has at most {s.max_points} points (quality.sketches.max_points)",
            "at_most",
            "n_points",
            s.max_points,
        ),
        Rule("non_finite", s.non_finite, "no value is NaN or infinite", "at_most", "n_nonfinite", 0),
        Rule(
            "huge_delta",
            s.huge_delta,
            f"no |dx| or |dy| exceeds {s.max_delta:g} (quality.sketches.max_delta)",
            "at_most",
            "max_abs_delta",
            s.max_delta,
        ),
        Rule("bad_pen", s.bad_pen, "every pen_lift is 0 or 1", "at_most", "n_bad_pen", 0),
        Rule("open_end", s.open_end, "the last point lifts the pen", "at_least", "last_pen", 1),
        Rule(
            "duplicate",
            s.duplicate,
            "no earlier drawing in the same split has the same points",
            "at_most",
            "copies_within",
            0,
        ),
        Rule(
            "duplicate_across",
            s.duplicate_across,
            "no drawing in an earlier split has the same points",
            "at_most",
            "copies_across",
            0,
        ),
        Rule(
            "unknown_class",
            s.unknown_class,
            "the source lists the class",
            "in_set",
            "label",
            classes,
            fix="add the class to the source, or set quality.sketches.unknown_class to quarantine",
        ),
    ]


def class_rules(settings: SketchQuality) -> list[Rule]:
    """The rules for the numbers of accepted drawings per class and split."""
    return [
        Rule(
            "imbalance",
            settings.imbalance,
            f"the largest class has at most {settings.max_imbalance:g} times as many training drawings "
            "as any other (quality.sketches.max_imbalance)",
            "at_most",
            "imbalance",
            settings.max_imbalance,
            row_noun="classes",
            fix="raise quality.sketches.max_imbalance, or set quality.sketches.imbalance to warn",
        ),
        Rule(
            "missing_class",
            settings.missing_class,
            "every class has at least one drawing in train, valid and test",
            "at_least",
            "drawings",
            1,
            row_noun="classes and splits",
            fix="remove the class from the source, or set quality.sketches.missing_class to warn",
        ),
    ]


def dataset_rules(settings: SketchQuality) -> list[Rule]:
    """The rule for the dataset."""
    return [
        Rule(
            "max_quarantined",
            "stop",
            f"at most {settings.max_quarantined:.1%} of all drawings are quarantined "
            "(quality.sketches.max_quarantined)",
            "at_most",
            "quarantined_share",
            settings.max_quarantined,
            row_noun="dataset",
            fix="correct the source, or change the rules or max_quarantined in quality.sketches",
        )
    ]


def drift_rules(settings: SketchQuality) -> list[Rule]:
    """The rule for the drift of features between splits, and from the reference."""
    return [
        Rule(
            "drift",
            settings.drift,
            f"no feature drifts significantly and by more than {settings.drift_distance:g} "
            "(quality.sketches.drift_distance)",
            "at_most",
            "distance",
            settings.drift_distance,
            row_noun="comparisons",
            fix="see `drift` in the report, or set quality.sketches.drift to warn",
        )
    ]
