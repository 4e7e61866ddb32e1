"""Every rule for drawings alone, what happens to rows, and the accounts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow.parquet as pq
import pytest

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.params import SketchQuality
from strokecast.sources.formats.reading import Group
from strokecast.sources.formats.records import Reject
from strokecast.validation.sketches import drawings, duplicates, table
from strokecast.validation.sketches import validate as sketches
from strokecast.validation.sketches.spool import Spools

TARGET = Path("data/validated/sketches")
SPLITS = ("train", "valid", "test")


def rules(**changes: Any) -> SketchQuality:
    return SketchQuality.model_validate({"max_quarantined": 1.0, **changes})


def group(label: str, split: str, own, *_) -> Group:
    """As an npz gives it."""
    return Group(label, split, own, [f"{label}/{split}/{index}" for index in range(len(own))], [])


def run(groups, source, settings: SketchQuality, reference: str | None = None):
    return sketches.validate(lambda: iter(groups), source, settings, reference)


def broken(report: dict[str, Any]) -> list[str]:
    return [found["rule"] for found in report["expectations"] if not found["success"]]


def expectation(report: dict[str, Any], rule: str) -> dict[str, Any]:
    return next(found for found in report["expectations"] if found["rule"] == rule)


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
    return [*groups, group("zebra", "test", [groups[0][2][0].copy()])]  # a copy, yet no `duplicate`


def unbalanced(groups):
    return [
        group(label, split, own[:1] if (label, split) == ("crab", "train") else own)
        for label, split, own, *_ in groups
    ]


def without_a_split(groups):
    return [
        group(label, split, [] if (label, split) == ("crab", "valid") else own)
        for label, split, own, *_ in groups
    ]


def copied(groups):
    groups[3][2][4] = groups[0][2][1].copy()  # crab/train/1 again as ice cream/train/4
    return groups


def copied_across(groups):
    groups[5][2][4] = groups[0][2][1].copy()  # crab/train/1 again as ice cream/test/4
    return groups


def rejected(kind: str, file: str = "crab.ndjson"):
    """A line of the file that gives no drawing."""

    def apply(groups):
        groups[0].rejects.append(Reject(file, "line", 7, kind, "the reason"))
        return groups

    return apply


def moved(groups):
    for _, split, own, *_ in groups:
        if split == "test":
            own[:] = [np.tile(d, (3, 1)) for d in own] + [np.tile(d, (4, 1)) for d in own]
    return [group(*one) for one in groups]


CASES = {
    "empty": (replaced(lambda d: d[:0]), ["crab/train/2"], 0),
    "too_short": (replaced(lambda d: d[:1]), ["crab/train/2"], 1),  # its one point lifts no pen
    "too_long": (replaced(lambda d: np.tile(d, (200, 1))), ["crab/train/2"], 1400),
    "non_finite": (replaced(at(1, 0, np.nan)), ["crab/train/2"], 1),
    "huge_delta": (replaced(at(1, 1, -4001)), ["crab/train/2"], 4001),
    "bad_pen": (replaced(at(1, 2, 0.5)), ["crab/train/2"], 1),
    "open_end": (replaced(at(-1, 2, 0)), ["crab/train/2"], 0),
    "duplicate": (copied, ["ice cream/train/4"], 1),
    "duplicate_across": (copied_across, ["ice cream/test/4"], 1),
    "unreadable": (rejected("not_json"), ["crab.ndjson:7"], ["not_json"]),
    "duplicate_key": (rejected("duplicate_key"), ["crab.ndjson:7"], 1),
    "unknown_class": (unknown, ["zebra/test/0"], ["zebra"]),
    "imbalance": (unbalanced, ["crab/train"], 6),
    "missing_class": (without_a_split, ["crab/valid"], 0),
}


def test_every_rule_with_an_action_has_a_case() -> None:
    actions = {
        name
        for name, field in SketchQuality.model_fields.items()
        if name
        not in (
            "min_points",
            "max_points",
            "max_delta",
            "max_imbalance",
            "max_quarantined",
            "drift_alpha",
            "drift_distance",
        )
    }
    assert {*CASES, "drift"} == actions


def test_clean_drawings_break_no_rule(groups, sketch_source) -> None:
    outcome = run(groups, sketch_source, SketchQuality())
    assert broken(outcome.report) == []
    assert outcome.warnings == []
    assert outcome.line == "36 read: 36 accepted, 0 quarantined"
    named = [found["rule"] for found in outcome.report["expectations"]]
    assert sorted(named) == sorted([*CASES, "max_quarantined", "not_recognized", "drift"])


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
        for label, split, own, *_ in groups
        for index, drawing in enumerate(own)
    }
    groups = copied_across(replaced(at(1, 0, np.nan))(groups))
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
        "ice cream/test/4": ["duplicate_across"],
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
    groups[2][2][3] = groups[3][2][5].copy()  # and as crab/test/3
    report = run(groups, sketch_source, rules()).report
    across = expectation(report, "duplicate_across")
    assert across["examples"] == ["crab/valid/0", "crab/test/3", "ice cream/valid/1"]
    assert across["observed_value"] == 3
    within = expectation(report, "duplicate")
    assert (within["examples"], within["observed_value"]) == (["ice cream/valid/1"], 1)
    assert "ice cream/train/5" in pq.read_table(TARGET / "train.parquet")["id"].to_pylist()
    shown = next(
        result
        for suite in report["suites"]
        for result in suite["results"]
        if result["expectation_config"]["meta"]["rule"] == "duplicate_across"
    )
    assert {row["same points as"] for row in shown["result"]["unexpected_index_list"]} == {
        "ice cream/train/5"
    }


def test_a_copy_under_an_unknown_class_does_not_push_the_known_one_out(groups, sketch_source) -> None:
    groups = [group("zebra", "train", [groups[0][2][0].copy()]), *groups]
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
        group(label, split, [d[:0] for d in own] if (label, split) == ("crab", "test") else own)
        for label, split, own, *_ in groups
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
        run([group("crab", "train", [])], sketch_source, rules())


def test_all_set_aside_without_a_limit_still_balances(groups, sketch_source) -> None:
    groups = [group(label, split, [d[:0] for d in own]) for label, split, own, *_ in groups]
    report = run(groups, sketch_source, rules(missing_class="warn")).report
    assert (report["read"], report["accepted"], report["quarantined"], report["length"]) == (36, 0, 36, {})
    assert [pq.read_metadata(TARGET / f"{split}.parquet").num_rows for split in SPLITS] == [0, 0, 0]


def test_a_source_that_changes_between_the_passes_is_our_fault(groups, sketch_source) -> None:
    reads = iter([groups, groups[:-1]])
    with pytest.raises(RuntimeError, match=r"36 rows read, but 30 accepted \+ 0 quarantined"):
        sketches.validate(lambda: next(reads), sketch_source, rules())
    assert not TARGET.exists()


def test_the_report_counts_and_is_the_same_bytes_twice(groups, sketch_source) -> None:
    report = run(copied(groups), sketch_source, rules()).report
    first = files.digest_tree(TARGET)
    assert run(groups, sketch_source, rules()).report == report
    assert files.digest_tree(TARGET) == first
    assert report["counts"] == {
        "train": {"crab": 6, "ice cream": 5},
        "valid": {"crab": 6, "ice cream": 6},
        "test": {"crab": 6, "ice cream": 6},
    }
    assert (report["length"]["min"], report["length"]["median"], report["length"]["max"]) == (5, 6, 9)
    text = (TARGET / "report.json").read_text()
    assert json.loads(text) == report
    assert str(Path.cwd()) not in text
    for word in ("run_time", "ge_load_time", "validation_id", '"id": "', "batch_id"):
        assert word not in text.replace('"id": "ice cream/train/4"', "")


def test_only_the_first_rows_are_named(groups, sketch_source) -> None:
    many = [np.zeros((0, 3), dtype=np.int16)] * 25
    groups = [
        group(label, split, [*own, *many] if label == "crab" else own) for label, split, own, *_ in groups
    ]
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


def test_shapes_of_a_drawing_known_by_hand() -> None:
    own = np.array(
        [[3, 4, 0], [0, 10, 1], [6, 8, 0], [0, -5, 1]], dtype=np.int16
    )  # the move of 10 is a pen up
    found = drawings.features([own[:0], own, own[:1]], least=2)
    assert found["n_strokes"].tolist() == [0, 2, 0]
    assert found["ink"].tolist() == [0, 5 + 10 + 5, 5]
    assert found["mean_delta"].tolist() == [0, 30 / 4, 5]
    assert found["aspect"].tolist() == pytest.approx([1, 9 / 22, 3 / 4])


@pytest.mark.parametrize("part", [5, 100])
def test_copies_equal_a_plain_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    monkeypatch.setattr(table, "PART", part)
    monkeypatch.setattr(duplicates, "BUCKET", 7)
    monkeypatch.setattr(duplicates, "_MEMORY", 1)
    rng = np.random.default_rng(1)
    names = ["a", "b", "c"]
    contents: list[tuple[str, bytes]] = []
    with Spools(tmp_path) as spools:
        made = table.Table(names, 2, spools)
        for label in (*names, *names):  # each class and split comes twice, as from the shards of the tutorial
            for split in SPLITS:
                own = [np.array([[int(rng.integers(0, 12)), 1, 1]], dtype=np.int16) for _ in range(4)]
                ids = [f"{label}/{split}/{len(contents) + n}" for n in range(4)]
                contents += [(split, drawing.tobytes()) for drawing in own]
                made.add(Group(label, split, own, ids, []))
        seen = 0
        for start, frame in made.parts():
            assert start == seen
            for row, found in enumerate(frame.to_dict("records")):
                position = start + row
                split, content = contents[position]
                before = [
                    place
                    for its in SPLITS[: SPLITS.index(split) + 1]
                    for place, other in enumerate(contents)
                    if other == (its, content) and (its != split or place < position)
                ]
                within = sum(contents[place][0] == split for place in before)
                assert found["copies_within"] == within
                assert found["copies_across"] == len(before) - within
                if before:
                    assert made.first_copy(position) == made.name(before[0])
                label = (*names, *names)[position // 12]
                assert (found["label"], found["split"]) == (label, split)
                assert made.name(position) == f"{label}/{split}/{position}"
            seen += len(frame)
        assert seen == len(contents)


# ---------------------------------------------------------------- lines and records that give no drawing


def test_rejects_are_read_and_quarantined_with_reason_and_detail(groups, sketch_source) -> None:
    groups[0].rejects.extend(Reject("crab.ndjson", "line", n, "not_json", "no JSON") for n in (3, 9))
    groups[4].rejects.append(Reject("ice cream.ndjson", "line", 4, "duplicate_key", "key_id 5 stands up"))
    groups[5].rejects.append(Reject("eval.tfrecord-00000-of-00001", "record", 2, "bad_shape", "no [n, 3]"))
    outcome = run(replaced(lambda d: d[:0])(groups), sketch_source, rules())
    assert outcome.line == "40 read: 35 accepted, 5 quarantined (3 unreadable, 1 empty, 1 duplicate_key)"
    report = outcome.report
    assert (report["read"], report["accepted"], report["quarantined"]) == (40, 35, 5)
    assert report["rejects"] == {"bad_shape": 1, "duplicate_key": 1, "not_json": 2}
    found = expectation(report, "unreadable")
    assert found["observed_value"] == ["bad_shape", "not_json"]
    assert found["examples"] == ["crab.ndjson:3", "crab.ndjson:9", "eval.tfrecord-00000-of-00001:2"]
    assert found["unexpected_count"] == 3
    rows = {row.pop("id"): row for row in pq.read_table(TARGET / "quarantine.parquet").to_pylist()}
    assert rows["crab.ndjson:3"] == {
        "label": "crab",
        "split": None,
        "reasons": ["unreadable"],
        "points": [],
        "detail": "not_json: no JSON",
    }
    assert rows["ice cream.ndjson:4"]["reasons"] == ["duplicate_key"]
    assert rows["eval.tfrecord-00000-of-00001:2"]["label"] is None
    assert rows["crab/train/2"]["detail"] is None
    assert len(rows) == 5


def test_what_the_game_did_not_recognise_is_set_aside_but_not_held_against_the_source(
    groups, sketch_source
) -> None:
    groups[0].rejects.extend(Reject("crab.ndjson", "line", n, "not_recognized", "no") for n in range(36))
    outcome = run(groups, sketch_source, rules(max_quarantined=0.0))
    assert outcome.line == "72 read: 36 accepted, 36 quarantined (36 not_recognized)"
    found = expectation(outcome.report, "not_recognized")
    assert (found["success"], found["unexpected_count"], len(found["examples"])) == (False, 36, 20)
    assert expectation(outcome.report, "max_quarantined")["observed_value"] == 0.0
    assert expectation(outcome.report, "unreadable")["success"]


def test_rejects_count_for_the_share_set_aside(groups, sketch_source) -> None:
    groups = rejected("not_json")(groups)
    with pytest.raises(UserError, match=r"1 of 37 drawings: 1 unreadable.*max_quarantined"):
        run(groups, sketch_source, rules(max_quarantined=0.02))
    docs = Path("reports/data_docs/sketches")
    assert (docs / "rejected.csv").read_text() == "row,reasons\ncrab.ndjson:7,unreadable\n"


def test_unreadable_lines_may_stop_the_pipeline(groups, sketch_source) -> None:
    with pytest.raises(UserError, match=r"unreadable: 1 lines or records \(crab.ndjson:7\)"):
        run(rejected("missing_key")(groups), sketch_source, rules(unreadable="stop"))
    assert not TARGET.exists()


def test_only_rejects(sketch_source) -> None:
    found = Group("crab", "train", [], [], [Reject("crab.ndjson", "line", 1, "not_json", "no")])
    report = run([found], sketch_source, rules(missing_class="warn")).report
    assert (report["read"], report["accepted"], report["quarantined"]) == (1, 0, 1)


def test_a_class_and_split_in_several_groups_keep_their_ids(groups, sketch_source) -> None:
    shards = [
        Group(one.label, one.split, own, [f"{one.label}/{one.split}/s{at}:{n}" for n in range(len(own))], [])
        for at in (0, 1)
        for one in groups
        for own in [one.drawings[at * 3 : at * 3 + 3]]
    ]
    shards[6].drawings[1] = shards[6].drawings[1][:0]
    report = run(shards, sketch_source, rules()).report
    assert report["counts"]["train"] == {"crab": 5, "ice cream": 6}
    kept = [name for split in SPLITS for name in pq.read_table(TARGET / f"{split}.parquet")["id"].to_pylist()]
    assert len(set(kept)) == len(kept) == 35
    assert expectation(report, "empty")["examples"] == ["crab/train/s1:1"]
    assert set(kept) == {name for one in shards for name in one.ids} - {"crab/train/s1:1"}


def test_ids_must_be_as_many_as_drawings(groups, sketch_source) -> None:
    with pytest.raises(ValueError, match="6 drawings, but 5 ids"):
        run([groups[0]._replace(ids=groups[0].ids[:5])], sketch_source, rules())


# ---------------------------------------------------------------- drift


def test_a_split_of_other_drawings_drifted(groups, sketch_source) -> None:
    outcome = run(moved(groups), sketch_source, rules())
    assert broken(outcome.report) == ["drift"]
    found = expectation(outcome.report, "drift")
    assert "n_points, train and test" in found["examples"]
    assert all("test" in name for name in found["examples"])
    assert outcome.warnings[0].startswith("drift: ")
    with pytest.raises(UserError, match=r"drift: .*quality\.sketches\.drift_distance"):
        run(moved(groups), sketch_source, rules(drift="stop"))


def test_new_data_is_compared_with_a_reference(groups, sketch_source) -> None:
    run(groups, sketch_source, rules())
    (TARGET / "report.json").rename("last.json")
    outcome = run(groups, sketch_source, rules(), "last.json")
    last = outcome.report["drift"]["comparisons"][-1]
    assert (last["a"], last["b"]) == ("memory (last.json)", "all rows")
    assert {row["feature"]: row["effect"] for row in last["features"]} == dict.fromkeys(
        (*drawings.SHAPES, "label"), 0.0
    )
    longer = [group(one.label, one.split, [np.tile(d, (4, 1)) for d in one.drawings]) for one in groups]
    outcome = run(longer, sketch_source, rules(), "last.json")
    names = expectation(outcome.report, "drift")["examples"]
    assert "n_points, memory (last.json) and all rows" in names
    with pytest.raises(UserError, match=r"quality.reference.*nowhere.json"):
        run(groups, sketch_source, rules(), "nowhere.json")


# ---------------------------------------------------------------- the picture


def test_the_picture_shows_each_reason_in_turn(groups, sketch_source) -> None:
    own = groups[0][2]
    own[:] = [np.concatenate([own[0] + (0, 0, 2)] * (n + 1)) for n in range(30)]
    own[29] = own[29].astype(np.float64)
    own[29][0, 0] = np.nan
    groups[0] = group("crab", "train", own)
    run(groups, sketch_source, rules(missing_class="warn", imbalance="warn"))
    from strokecast.validation.sketches import worst

    kept = worst.read(TARGET / worst.FILE)
    assert len(kept) == worst.CELLS
    assert kept[-1].id == "crab/train/29"
    assert "non_finite" in kept[-1].why
    np.testing.assert_array_equal(kept[0].points, own[0])


def test_without_a_rejected_drawing_the_extreme_ones_are_shown(groups, sketch_source) -> None:
    groups[1][2][3] = np.tile(groups[1][2][3], (9, 1))
    run(groups, sketch_source, rules())
    from strokecast.validation.sketches import worst

    kept = {one.id: one.why for one in worst.read(TARGET / worst.FILE)}
    assert len(kept) == worst.CELLS
    assert kept["crab/valid/3"] == f"most points: {len(groups[1][2][3])}"
    page = Path("reports/data_docs/sketches/index.html").read_text()
    assert "The most extreme drawings" in page


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((0, 3)),
        np.zeros((4, 3)),
        np.array([[np.nan, np.inf, np.nan]] * 3),
        np.array([[1e300, -1e300, 1]] * 2),
        np.array([[3, 4, 1]]),
    ],
)
def test_any_drawing_can_be_pictured(points, tmp_path) -> None:
    from strokecast.validation.sketches import worst

    for line in worst.strokes(points):
        assert np.isfinite(line).all()
        assert (line >= -1e-9).all()
        assert (line <= 1 + 1e-9).all()
    name = "an id <&\x00 that is much too long to be shown whole"
    worst.draw(tmp_path / "a.svg", [worst.Pictured(name, "x", points)] * 7)
    picture = ElementTree.parse(tmp_path / "a.svg").getroot()
    texts = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["an id <&� tha…be shown whole", "x"] * 7
    assert float(picture.get("height", 0)) == 400, "two rows of six"
