"""Every rule for drawings alone, what happens to rows, and the accounts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from strokecast import files
from strokecast.errors import UserError
from strokecast.params import SketchQuality
from strokecast.quality import drawings, sketches

TARGET = Path("data/validated/sketches")
SPLITS = ("train", "valid", "test")


def rules(**changes: Any) -> SketchQuality:
    return SketchQuality.model_validate({"max_quarantined": 1.0, **changes})


def run(groups, source, settings: SketchQuality):
    return sketches.validate(lambda: iter(groups), source, settings)


def broken(report: dict[str, Any]) -> list[str]:
    return [found["rule"] for found in report["expectations"] if not found["success"]]


def stopped_report() -> dict[str, Any]:
    return json.loads(Path("reports/data_docs/sketches/report.json").read_text())


def replaced(change):
    """Break the third training drawing of `crab`."""

    def apply(groups):
        drawing = groups[0][2][2].astype(np.float64)
        groups[0][2][2] = change(drawing)
        return groups

    return apply


def at(row: int, column: int, value: float):
    def change(drawing):
        drawing[row, column] = value
        return drawing

    return change


def unknown(groups):
    return [*groups, ("zebra", "test", [groups[0][2][0].copy()])]  # a copy, yet no `duplicate`


def unbalanced(groups):
    return [
        (label, split, own[:1] if (label, split) == ("crab", "train") else own)
        for label, split, own in groups
    ]


def without_a_split(groups):
    return [
        (label, split, [] if (label, split) == ("crab", "valid") else own) for label, split, own in groups
    ]


def copied(groups):
    groups[5][2][4] = groups[0][2][1].copy()  # crab/train/1 again as ice cream/test/4
    return groups


CASES = {
    "empty": (replaced(lambda d: d[:0]), ["crab/train/2"], 0),
    "too_short": (replaced(lambda d: d[:1]), ["crab/train/2"], 1),  # its one point lifts no pen
    "too_long": (replaced(lambda d: np.tile(d, (200, 1))), ["crab/train/2"], 1400),
    "non_finite": (replaced(at(1, 0, np.nan)), ["crab/train/2"], 1),
    "huge_delta": (replaced(at(1, 1, -4001)), ["crab/train/2"], 4001),
    "bad_pen": (replaced(at(1, 2, 0.5)), ["crab/train/2"], 1),
    "open_end": (replaced(at(-1, 2, 0)), ["crab/train/2"], 0),
    "duplicate": (copied, ["ice cream/test/4"], 1),
    "unknown_class": (unknown, ["zebra/test/0"], ["zebra"]),
    "imbalance": (unbalanced, ["crab/train"], 6),
    "missing_class": (without_a_split, ["crab/valid"], 0),
}


def test_every_rule_with_an_action_has_a_case() -> None:
    actions = {
        name
        for name, field in SketchQuality.model_fields.items()
        if name not in ("min_points", "max_points", "max_delta", "max_imbalance", "max_quarantined")
    }
    assert set(CASES) == actions


def test_clean_drawings_break_no_rule(groups, sketch_source) -> None:
    outcome = run(groups, sketch_source, SketchQuality())
    assert broken(outcome.report) == []
    assert outcome.warnings == []
    assert outcome.line == "36 read: 36 accepted, 0 quarantined"
    named = [found["rule"] for found in outcome.report["expectations"]]
    assert sorted(named) == sorted([*CASES, "max_quarantined"])


@pytest.mark.parametrize("rule", CASES)
def test_one_fault_breaks_exactly_its_rule(rule: str, groups, sketch_source) -> None:
    change, examples, observed = CASES[rule]
    settings = rules(max_imbalance=5.0)
    if getattr(settings, rule) == "stop":
        with pytest.raises(UserError, match=f"data/raw/sketches: {rule}: 1 .*{examples[0]}"):
            run(change(groups), sketch_source, settings)
        report = stopped_report()
    else:
        report = run(change(groups), sketch_source, settings).report
    assert broken(report) == [rule]
    found = next(found for found in report["expectations"] if found["rule"] == rule)
    assert (found["unexpected_count"], found["examples"], found["observed_value"]) == (1, examples, observed)


@pytest.mark.parametrize("change", [at(-1, 2, np.nan), at(1, 2, np.inf), at(0, 0, 1e300), at(0, 1, -np.inf)])
def test_non_finite_values_break_no_other_rule(change, groups, sketch_source) -> None:
    report = run(replaced(change)(groups), sketch_source, rules()).report
    assert broken(report) == ["non_finite"]


@pytest.mark.parametrize("value", [2, -1, 0.5])
def test_a_bad_last_pen_is_no_open_end(value, groups, sketch_source) -> None:
    assert broken(run(replaced(at(-1, 2, value))(groups), sketch_source, rules()).report) == ["bad_pen"]


def test_one_point_left_with_the_pen_down_is_seen_where_short_drawings_pass(groups, sketch_source) -> None:
    report = run(replaced(lambda d: d[:1])(groups), sketch_source, rules(too_short="warn")).report
    assert broken(report) == ["too_short", "open_end"]


def test_a_drawing_with_two_faults_has_both_reasons(groups, sketch_source) -> None:
    def twice(drawing):
        drawing[0, 0], drawing[-1, 2] = 9000, 0
        return drawing

    outcome = run(replaced(twice)(groups), sketch_source, rules())
    (row,) = pq.read_table(TARGET / "quarantine.parquet").to_pylist()
    assert (row["id"], row["label"], row["split"]) == ("crab/train/2", "crab", "train")
    assert row["reasons"] == ["huge_delta", "open_end"]
    assert row["points"][0] == 9000.0
    assert outcome.line.startswith("36 read: 35 accepted, 1 quarantined (1 huge_delta, 1 open_end)")


def test_every_drawing_goes_to_one_place_with_its_points_unchanged(groups, sketch_source) -> None:
    sent = {
        f"{label}/{split}/{index}": drawing
        for label, split, own in groups
        for index, drawing in enumerate(own)
    }
    groups = copied(replaced(at(1, 0, np.nan))(groups))
    groups[3][2][0] = groups[3][2][0][:0]
    run(groups, sketch_source, rules())
    seen = []
    for split in SPLITS:
        table = pq.read_table(TARGET / f"{split}.parquet")
        assert [str(field.type) for field in table.schema][0::2] == ["string", "int32"]
        assert str(table.schema.field("points").type) == "list<element: float>"
        for row in table.to_pylist():
            points = np.array(row["points"]).reshape(-1, 3)
            np.testing.assert_array_equal(points, sent[row["id"]])
            assert row["length"] == len(points)
            assert row["id"].startswith(f"{row['label']}/{split}/")
            seen.append(row["id"])
    aside = {row["id"]: row for row in pq.read_table(TARGET / "quarantine.parquet").to_pylist()}
    assert {name: row["reasons"] for name, row in aside.items()} == {
        "crab/train/2": ["non_finite"],
        "ice cream/train/0": ["empty"],
        "ice cream/test/4": ["duplicate"],
    }
    assert np.isnan(aside["crab/train/2"]["points"][3])
    assert aside["ice cream/train/0"]["points"] == []
    assert sorted([*seen, *aside]) == sorted(sent)


def test_row_groups_hold_one_class_each(groups, sketch_source) -> None:
    run(groups, sketch_source, rules())
    file = pq.ParquetFile(TARGET / "train.parquet")
    labels = [set(file.read_row_group(n)["label"].to_pylist()) for n in range(file.num_row_groups)]
    assert labels == [{"crab"}, {"ice cream"}]


def test_of_copies_the_training_drawing_stays_even_where_its_class_comes_later(groups, sketch_source) -> None:
    groups[1][2][0] = groups[3][2][5].copy()  # ice cream/train/5 again as crab/valid/0
    groups[4][2][1] = groups[3][2][5].astype(np.float64)  # and, in another number type, as ice cream/valid/1
    report = run(groups, sketch_source, rules()).report
    found = next(found for found in report["expectations"] if found["rule"] == "duplicate")
    assert found["examples"] == ["crab/valid/0", "ice cream/valid/1"]
    assert found["observed_value"] == 2
    assert "ice cream/train/5" in pq.read_table(TARGET / "train.parquet")["id"].to_pylist()
    shown = next(
        r for r in report["suites"][0]["results"] if r["expectation_config"]["meta"]["rule"] == "duplicate"
    )
    assert {row["same points as"] for row in shown["result"]["unexpected_index_list"]} == {
        "ice cream/train/5"
    }


def test_a_copy_under_an_unknown_class_does_not_push_the_known_one_out(groups, sketch_source) -> None:
    groups = [("zebra", "train", [groups[0][2][0].copy()]), *groups]
    report = run(groups, sketch_source, rules(unknown_class="quarantine")).report
    assert broken(report) == ["unknown_class"]
    assert (report["accepted"], report["quarantined"]) == (36, 1)
    assert "zebra" not in report["counts"]["train"]


def test_warn_counts_and_lets_pass(groups, sketch_source) -> None:
    outcome = run(replaced(at(-1, 2, 0))(groups), sketch_source, rules(open_end="warn"))
    assert outcome.line == "36 read: 36 accepted, 0 quarantined"
    assert outcome.warnings == ["open_end: 1 drawings (crab/train/2); expected: the last point lifts the pen"]
    found = next(found for found in outcome.report["expectations"] if found["rule"] == "open_end")
    assert (found["success"], found["action"]) == (False, "warn")


def test_stop_leaves_what_stood_and_still_shows_the_docs(groups, sketch_source) -> None:
    run(groups, sketch_source, rules())
    before = files.digest_tree(TARGET)
    groups = replaced(lambda d: d[:0])(groups)
    with pytest.raises(UserError) as caught:
        run(groups, sketch_source, rules(empty="stop"))
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        "data/raw/sketches",
        "empty",
        "1 drawings",
        "crab/train/2",
        "quality.sketches.empty",
        "index.html",
    ):
        assert part in message
    assert files.digest_tree(TARGET) == before
    assert not list(TARGET.parent.glob(".*"))
    docs = Path("reports/data_docs/sketches")
    assert "The pipeline stopped here" in (docs / "index.html").read_text()
    assert (docs / "rejected.csv").read_text() == "row,reasons\ncrab/train/2,empty\n"


def test_stop_names_the_other_broken_rules_too(groups, sketch_source) -> None:
    with pytest.raises(UserError, match="also broken: missing_class"):
        run(without_a_split(unknown(groups)), sketch_source, rules())


def test_too_large_a_share_set_aside_stops(groups, sketch_source) -> None:
    groups = replaced(lambda d: d[:0])(groups)
    with pytest.raises(UserError, match=r"1 of 36 drawings: 1 empty.*at most 2\.0%.*max_quarantined"):
        run(groups, sketch_source, rules(max_quarantined=0.02))
    assert not TARGET.exists()
    assert broken(stopped_report()) == ["empty", "max_quarantined"]
    assert run(groups, sketch_source, rules(max_quarantined=1 / 36)).report["quarantined"] == 1


def test_a_class_whose_every_drawing_is_set_aside_is_missing(groups, sketch_source) -> None:
    groups = [
        (label, split, [d[:0] for d in own] if (label, split) == ("crab", "test") else own)
        for label, split, own in groups
    ]
    with pytest.raises(UserError, match="missing_class: 1 classes and splits \\(crab/test\\)"):
        run(groups, sketch_source, rules())
    assert broken(stopped_report()) == ["empty", "missing_class"]


def test_a_named_class_that_is_not_read_is_missing(groups, sketch_source) -> None:
    sketch_source["classes"].append("pig")
    with pytest.raises(UserError, match=r"missing_class: 3 .*pig/train, pig/valid, pig/test"):
        run(groups, sketch_source, rules())
    assert run(groups, sketch_source, rules(missing_class="warn")).report["counts"]["train"]["pig"] == 0


def test_nothing_read(sketch_source) -> None:
    with pytest.raises(UserError, match="holds no drawing"):
        run([("crab", "train", [])], sketch_source, rules())


def test_all_set_aside_without_a_limit_still_balances(groups, sketch_source) -> None:
    groups = [(label, split, [d[:0] for d in own]) for label, split, own in groups]
    report = run(groups, sketch_source, rules(missing_class="warn")).report
    assert (report["read"], report["accepted"], report["quarantined"], report["length"]) == (36, 0, 36, {})
    assert [pq.read_metadata(TARGET / f"{split}.parquet").num_rows for split in SPLITS] == [0, 0, 0]


def test_a_source_that_changes_between_the_passes_is_our_fault(groups, sketch_source) -> None:
    reads = iter([groups, groups[:-1]])
    with pytest.raises(RuntimeError, match="36 rows read, but 30 read again"):
        sketches.validate(lambda: next(reads), sketch_source, rules())
    assert not TARGET.exists()


def test_the_report_counts_and_is_the_same_bytes_twice(groups, sketch_source) -> None:
    report = run(copied(groups), sketch_source, rules()).report
    first = files.digest_tree(TARGET)
    assert run(groups, sketch_source, rules()).report == report
    assert files.digest_tree(TARGET) == first
    assert report["counts"] == {
        "train": {"crab": 6, "ice cream": 6},
        "valid": {"crab": 6, "ice cream": 6},
        "test": {"crab": 6, "ice cream": 5},
    }
    assert (report["length"]["min"], report["length"]["median"], report["length"]["max"]) == (5, 6, 9)
    text = (TARGET / "report.json").read_text()
    assert json.loads(text) == report
    assert str(Path.cwd()) not in text
    for word in ("run_time", "ge_load_time", "validation_id", '"id": "', "batch_id"):
        assert word not in text.replace('"id": "ice cream/test/4"', "")


def test_only_the_first_rows_are_named(groups, sketch_source) -> None:
    many = [np.zeros((0, 3), dtype=np.int16)] * 25
    groups = [(label, split, [*own, *many] if label == "crab" else own) for label, split, own in groups]
    report = run(groups, sketch_source, rules()).report
    found = next(found for found in report["expectations"] if found["rule"] == "empty")
    assert (found["unexpected_count"], len(found["examples"])) == (75, 20)
    assert pq.read_metadata(TARGET / "quarantine.parquet").num_rows == 75


def test_features_equal_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    own = []
    for length in (0, 3, 1, 0, 7, 2, 0):
        drawing = rng.normal(0, 50, size=(length, 3))
        drawing[:, 2] = rng.choice([0, 1, 0.5, np.nan, -1], size=length)
        if length > 2:
            drawing[1, :2] = np.nan, -np.inf
        own.append(drawing)
    found = drawings.features(own, least=2)
    for index, drawing in enumerate(own):
        single = drawing.astype(np.float32)
        finite = np.isfinite(single)
        pens = single[:, 2]
        assert found["n_points"][index] == len(single)
        assert found["n_nonfinite"][index] == (~finite).sum()
        assert found["max_abs_delta"][index] == max(np.abs(single[:, :2][finite[:, :2]]), default=0)
        assert found["n_bad_pen"][index] == sum(np.isfinite(p) and p not in (0, 1) for p in pens)
        last = pens[-1] if len(single) >= 2 and pens[-1] in (0, 1) else np.nan
        np.testing.assert_equal(found["last_pen"][index], np.float32(last))


def test_copies_equal_a_plain_loop() -> None:
    rng = np.random.default_rng(1)
    names = ["a", "b", "c"]
    table = drawings.Table(names, least=2)
    order = {split: [] for split in SPLITS}
    contents = []
    for label in names:
        for split in SPLITS:
            own = [np.array([[int(rng.integers(0, 9)), 1, 1]], dtype=np.int16) for _ in range(8)]
            order[split] += range(len(contents), len(contents) + 8)
            contents += [drawing.tobytes() for drawing in own]
            table.add(label, split, own)
    frame = table.finish()
    seen: dict[bytes, list[int]] = {}
    for position in [*order["train"], *order["valid"], *order["test"]]:
        before = seen.setdefault(contents[position], [])
        assert frame["earlier_copies"].iloc[position] == len(before)
        assert table.first_copy[position] == (before[0] if before else -1)
        before.append(position)
    assert table.name(0) == "a/train/0"
    assert table.name(8) == "a/valid/0"
    assert table.name(71) == "c/test/7"
