"""The rules for drawings, each of which becomes one Expectation."""

from __future__ import annotations

from collections.abc import Sequence

from strokecast.params import SketchQuality
from strokecast.validation.rules import Rule
from strokecast.validation.sketches.table import DUPLICATE_KEY, NOT_RECOGNIZED, READ


def of_lines(settings: SketchQuality) -> list[Rule]:
    """The rules that judge lines and records: which ones gave a drawing."""
    noun = "lines or records"
    return [
        Rule(
            "unreadable",
            settings.unreadable,
            "every line or record gives a drawing of its class",
            "in_set",
            "kind",
            [READ],
            noun=noun,
        ),
        Rule(
            DUPLICATE_KEY,
            settings.duplicate_key,
            "no key_id stands further up (drop_duplicates of the source)",
            "at_most",
            "earlier_key",
            0,
            noun=noun,
        ),
        Rule(
            NOT_RECOGNIZED,
            "quarantine",
            "the game recognised the drawing (recognized_only of the source)",
            "at_most",
            "unrecognized",
            0,
            noun=noun,
        ),
    ]


def of_drawings(settings: SketchQuality, known: Sequence[str]) -> list[Rule]:
    """The rules that judge single drawings; one fault of a drawing breaks one of them.

    An empty drawing breaks `empty` alone. `open_end` leaves drawings to `too_short` that are
    shorter than `min_points`, and those whose last pen value is no number or neither 0 nor 1 to
    `non_finite` and `bad_pen`. `huge_delta` and `bad_pen` look at finite values. Empty drawings
    and drawings of unknown classes are nobody's copy. A drawing with earlier copies both in its
    own split and in an earlier one breaks both `duplicate` and `duplicate_across`.
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
            "duplicate",
            s.duplicate,
            "no earlier drawing of its split has the same points",
            "at_most",
            "copies_within",
            0,
        ),
        Rule(
            "duplicate_across",
            s.duplicate_across,
            "no drawing of an earlier split has the same points",
            "at_most",
            "copies_across",
            0,
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


def of_classes(settings: SketchQuality) -> list[Rule]:
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


def of_totals(settings: SketchQuality) -> list[Rule]:
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


def of_drift(settings: SketchQuality) -> list[Rule]:
    """The rule that judges how far features moved: between the splits, and from the reference."""
    return [
        Rule(
            "drift",
            settings.drift,
            f"no feature moved significantly and by more than {settings.drift_distance:g} "
            "(quality.sketches.drift_distance)",
            "at_most",
            "distance",
            settings.drift_distance,
            noun="comparisons",
            fix="look at `drift` in the report, or set quality.sketches.drift to warn",
        )
    ]
