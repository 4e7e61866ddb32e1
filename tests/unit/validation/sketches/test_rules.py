"""Every rule for drawings: one fault fails exactly that rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.params import SketchQuality
from strokecast.sources.formats.reading import Group
from strokecast.sources.formats.records import Reject
from strokecast.validation.rules import ValidationOutcome
from strokecast.validation.sketches.source import SketchSource
from strokecast.validation.sketches.validate import validate_sketches

TARGET = Path("data/validated/sketches")
THRESHOLDS = {
    "min_points",
    "max_points",
    "max_delta",
    "max_imbalance",
    "max_quarantined",
    "drift_alpha",
    "drift_distance",
}


def quality(**changes: Any) -> SketchQuality:
    return SketchQuality.model_validate({"max_quarantined": 1.0, **changes})


def run(groups: list[Group], source: SketchSource, settings: SketchQuality) -> ValidationOutcome:
    return validate_sketches(lambda: iter(groups), source, settings)


def failed_rules(report: dict[str, Any]) -> list[str]:
    return [rule["rule"] for rule in report["expectations"] if not rule["success"]]


def change_drawing(change):
    """Change the third training drawing of `crab`."""

    def apply(groups: list[Group]) -> list[Group]:
        groups[0].drawings[2] = change(groups[0].drawings[2].astype(np.float64))
        return groups

    return apply


def set_value(row: int, column: int, value: float):
    def change(drawing: np.ndarray) -> np.ndarray:
        drawing[row, column] = value
        return drawing

    return change


def keep_drawings(label: str, split: str, count: int):
    """Keep the first `count` drawings of a class and split."""

    def apply(groups: list[Group]) -> list[Group]:
        return [
            group._replace(drawings=group.drawings[:count], ids=group.ids[:count])
            if (group.label, group.split) == (label, split)
            else group
            for group in groups
        ]

    return apply


def add_unlisted_class(groups: list[Group]) -> list[Group]:
    copy = groups[0].drawings[0].copy()  # a copy, but not a `duplicate`
    return [*groups, Group("zebra", "test", [copy], ["zebra/test/0"], [])]


def copy_within_split(groups: list[Group]) -> list[Group]:
    groups[3].drawings[4] = groups[0].drawings[1].copy()  # crab/train/1 as ice cream/train/4
    return groups


def copy_across_splits(groups: list[Group]) -> list[Group]:
    groups[5].drawings[4] = groups[0].drawings[1].copy()  # crab/train/1 as ice cream/test/4
    return groups


def add_reject(kind: str):
    def apply(groups: list[Group]) -> list[Group]:
        groups[0].rejects.append(Reject("crab.ndjson", "line", 7, kind, "the reason"))
        return groups

    return apply


CASES = {  # rule: fault, example, observed value
    "empty": (change_drawing(lambda d: d[:0]), "crab/train/2", 0),
    "too_short": (change_drawing(lambda d: d[:1]), "crab/train/2", 1),  # its one point does not lift the pen
    "too_long": (change_drawing(lambda d: np.tile(d, (200, 1))), "crab/train/2", 1400),
    "non_finite": (change_drawing(set_value(1, 0, np.nan)), "crab/train/2", 1),
    "huge_delta": (change_drawing(set_value(1, 1, -4001)), "crab/train/2", 4001),
    "bad_pen": (change_drawing(set_value(1, 2, 0.5)), "crab/train/2", 1),
    "open_end": (change_drawing(set_value(-1, 2, 0)), "crab/train/2", 0),
    "duplicate": (copy_within_split, "ice cream/train/4", 1),
    "duplicate_across": (copy_across_splits, "ice cream/test/4", 1),
    "unreadable": (add_reject("not_json"), "crab.ndjson:7", ["not_json"]),
    "duplicate_key": (add_reject("duplicate_key"), "crab.ndjson:7", 1),
    "unknown_class": (add_unlisted_class, "zebra/test/0", ["zebra"]),
    "imbalance": (keep_drawings("crab", "train", 1), "crab/train", 6),
    "missing_class": (keep_drawings("crab", "valid", 0), "crab/valid", 0),
}


def test_every_rule_with_an_action_has_a_case() -> None:
    assert {*CASES, "drift"} == set(SketchQuality.model_fields) - THRESHOLDS


def test_valid_drawings_pass_every_rule(groups, sketch_source) -> None:
    outcome = run(groups, sketch_source, SketchQuality())
    assert failed_rules(outcome.report) == []
    assert outcome.warnings == []
    assert outcome.line == "36 read: 36 accepted, 0 quarantined"
    rules = [rule["rule"] for rule in outcome.report["expectations"]]
    assert sorted(rules) == sorted([*CASES, "max_quarantined", "not_recognized", "drift"])


@pytest.mark.parametrize(
    "rule", [pytest.param(rule, marks=pytest.mark.slow if at % 3 else ()) for at, rule in enumerate(CASES)]
)
def test_one_fault_fails_exactly_its_rule(rule: str, groups, sketch_source) -> None:
    change, example, observed = CASES[rule]
    settings = quality(max_imbalance=5.0)
    if getattr(settings, rule) == "stop":
        with pytest.raises(UserError, match=f"data/raw/sketches: {rule}: 1 .*{example}"):
            run(change(groups), sketch_source, settings)
        report = json.loads(Path("reports/data_docs/sketches/report.json").read_text())
    else:
        report = run(change(groups), sketch_source, settings).report
    assert failed_rules(report) == [rule]
    entry = next(entry for entry in report["expectations"] if entry["rule"] == rule)
    assert (entry["unexpected_count"], entry["examples"]) == (1, [example])
    assert entry["observed_value"] == observed


@pytest.mark.parametrize(
    "change",
    [
        set_value(-1, 2, np.nan),
        set_value(1, 2, np.inf),
        set_value(0, 0, 1e300),
        set_value(0, 1, -np.inf),
    ],
)
def test_values_that_are_not_finite_fail_no_other_rule(change, groups, sketch_source) -> None:
    report = run(change_drawing(change)(groups), sketch_source, quality()).report
    assert failed_rules(report) == ["non_finite"]


@pytest.mark.parametrize("value", [2, -1, 0.5])
def test_an_invalid_last_pen_value_does_not_fail_open_end(value, groups, sketch_source) -> None:
    report = run(change_drawing(set_value(-1, 2, value))(groups), sketch_source, quality()).report
    assert failed_rules(report) == ["bad_pen"]


def test_open_end_checks_short_drawings_if_they_are_accepted(groups, sketch_source) -> None:
    report = run(change_drawing(lambda d: d[:1])(groups), sketch_source, quality(too_short="warn")).report
    assert failed_rules(report) == ["too_short", "open_end"]


def test_a_drawing_with_two_faults_has_both_reasons(groups, sketch_source) -> None:
    def add_two_faults(drawing: np.ndarray) -> np.ndarray:
        drawing[0, 0], drawing[-1, 2] = 9000, 0
        return drawing

    outcome = run(change_drawing(add_two_faults)(groups), sketch_source, quality())
    (row,) = pq.read_table(TARGET / "quarantine.parquet").to_pylist()
    assert (row["id"], row["label"], row["split"]) == ("crab/train/2", "crab", "train")
    assert row["reasons"] == ["huge_delta", "open_end"]
    assert row["points"][0] == 9000.0
    assert outcome.line.startswith("36 read: 35 accepted, 1 quarantined (1 huge_delta, 1 open_end)")


def test_of_all_copies_the_training_drawing_is_kept(groups, sketch_source) -> None:
    original = groups[3].drawings[5]  # ice cream/train/5
    groups[1].drawings[0] = original.copy()  # crab/valid/0, although its class comes first
    groups[4].drawings[1] = original.astype(np.float64)  # ice cream/valid/1, of another dtype
    groups[2].drawings[3] = original.copy()  # crab/test/3
    report = run(groups, sketch_source, quality()).report
    entries = {entry["rule"]: entry for entry in report["expectations"]}
    across = entries["duplicate_across"]
    assert across["examples"] == ["crab/valid/0", "crab/test/3", "ice cream/valid/1"]
    assert across["observed_value"] == 3
    within = entries["duplicate"]
    assert (within["examples"], within["observed_value"]) == (["ice cream/valid/1"], 1)
    assert "ice cream/train/5" in pq.read_table(TARGET / "train.parquet")["id"].to_pylist()
    result = next(
        result
        for suite in report["suites"]
        for result in suite["results"]
        if result["expectation_config"]["meta"]["rule"] == "duplicate_across"
    )
    originals = {row["same points as"] for row in result["result"]["unexpected_index_list"]}
    assert originals == {"ice cream/train/5"}


def test_a_drawing_is_not_a_duplicate_of_one_of_an_unlisted_class(groups, sketch_source) -> None:
    zebra = Group("zebra", "train", [groups[0].drawings[0].copy()], ["zebra/train/0"], [])
    report = run([zebra, *groups], sketch_source, quality(unknown_class="quarantine")).report
    assert failed_rules(report) == ["unknown_class"]
    assert (report["accepted"], report["quarantined"]) == (36, 1)
    assert "zebra" not in report["counts"]["train"]


def test_a_class_without_accepted_drawings_in_a_split_is_missing(groups, sketch_source) -> None:
    groups[2].drawings[:] = [drawing[:0] for drawing in groups[2].drawings]
    with pytest.raises(UserError, match="missing_class: 1 classes and splits \\(crab/test\\)"):
        run(groups, sketch_source, quality())
    report = json.loads(Path("reports/data_docs/sketches/report.json").read_text())
    assert failed_rules(report) == ["empty", "missing_class"]


def test_a_listed_class_without_drawings_is_missing(groups, sketch_source) -> None:
    source = SketchSource(sketch_source.source, (*sketch_source.classes, "pig"))
    with pytest.raises(UserError, match=r"missing_class: 3 .*pig/train, pig/valid, pig/test"):
        run(groups, source, quality())
    assert run(groups, source, quality(missing_class="warn")).report["counts"]["train"]["pig"] == 0
