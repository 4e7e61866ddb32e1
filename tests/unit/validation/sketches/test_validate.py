"""Accepted drawings, quarantine, reports and drift of validated drawings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.params import SketchQuality
from strokecast.sources.formats.reading import Group
from strokecast.sources.formats.records import Reject
from strokecast.validation.rules import ValidationOutcome
from strokecast.validation.sampling import SAMPLE_SIZE, BottomKSample
from strokecast.validation.sketches.features import DRIFT_FEATURES
from strokecast.validation.sketches.source import SketchSource
from strokecast.validation.sketches.validate import validate_sketches

TARGET = Path("data/validated/sketches")
SPLITS = ("train", "valid", "test")


def quality(**changes: Any) -> SketchQuality:
    return SketchQuality.model_validate({"max_quarantined": 1.0, **changes})


def run(
    groups: list[Group], source: SketchSource, settings: SketchQuality, reference: str | None = None
) -> ValidationOutcome:
    return validate_sketches(lambda: iter(groups), source, settings, reference)


def failed_rules(report: dict[str, Any]) -> list[str]:
    return [rule["rule"] for rule in report["expectations"] if not rule["success"]]


def rule_entry(report: dict[str, Any], rule: str) -> dict[str, Any]:
    return next(entry for entry in report["expectations"] if entry["rule"] == rule)


def with_drawings(group: Group, drawings: list[np.ndarray]) -> Group:
    """The group with other drawings, and ids from their order."""
    ids = [f"{group.label}/{group.split}/{index}" for index in range(len(drawings))]
    return group._replace(drawings=drawings, ids=ids)


def empty_one(groups: list[Group]) -> list[Group]:
    """Make crab/train/2 an empty drawing."""
    groups[0].drawings[2] = groups[0].drawings[2][:0]
    return groups


def test_every_drawing_is_written_once_with_its_points_unchanged(groups, sketch_source) -> None:
    groups[0].drawings[2] = groups[0].drawings[2].astype(np.float64)
    groups[0].drawings[2][1, 0] = np.nan
    groups[3].drawings[0] = groups[3].drawings[0][:0]
    groups[5].drawings[4] = groups[0].drawings[1].copy()
    points_of = {
        name: drawing for group in groups for name, drawing in zip(group.ids, group.drawings, strict=True)
    }
    run(groups, sketch_source, quality())
    accepted = []
    for split in SPLITS:
        table = pq.read_table(TARGET / f"{split}.parquet")
        assert [str(field.type) for field in table.schema][0::2] == ["string", "int32"]
        assert str(table.schema.field("points").type) == "list<element: float>"
        for row in table.to_pylist():
            points = np.array(row["points"]).reshape(-1, 3)
            np.testing.assert_array_equal(points, points_of[row["id"]])
            assert row["length"] == len(points)
            assert row["id"].startswith(f"{row['label']}/{split}/")
            accepted.append(row["id"])
    quarantine = {row["id"]: row for row in pq.read_table(TARGET / "quarantine.parquet").to_pylist()}
    assert {name: row["reasons"] for name, row in quarantine.items()} == {
        "crab/train/2": ["non_finite"],
        "ice cream/train/0": ["empty"],
        "ice cream/test/4": ["duplicate_across"],
    }
    assert np.isnan(quarantine["crab/train/2"]["points"][3])
    assert quarantine["ice cream/train/0"]["points"] == []
    assert sorted([*accepted, *quarantine]) == sorted(points_of)


def test_warn_counts_but_accepts(groups, sketch_source) -> None:
    groups[0].drawings[2][-1, 2] = 0
    outcome = run(groups, sketch_source, quality(open_end="warn"))
    assert outcome.line == "36 read: 36 accepted, 0 quarantined"
    assert outcome.warnings == [
        "open_end: 1 drawings (crab/train/2); expected: the last point lifts the pen; "
        "quality.sketches.open_end is warn, choose one of stop, quarantine, warn"
    ]
    entry = rule_entry(outcome.report, "open_end")
    assert (entry["success"], entry["action"]) == (False, "warn")


def test_stop_keeps_the_previous_outputs_and_writes_the_docs(groups, sketch_source) -> None:
    run(groups, sketch_source, quality())
    before = files.digest_tree(TARGET)
    with pytest.raises(UserError) as caught:
        run(empty_one(groups), sketch_source, quality(empty="stop"))
    message = str(caught.value)
    assert "\n" not in message
    for text in (
        "data/raw/sketches",
        "empty",
        "1 drawings",
        "crab/train/2",
        "quality.sketches.empty",
        "index.html",
    ):
        assert text in message
    assert files.digest_tree(TARGET) == before
    assert not list(TARGET.parent.glob(".*"))
    docs = Path("reports/data_docs/sketches")
    assert "The pipeline stopped here" in (docs / "index.html").read_text()
    assert (docs / "rejected.csv").read_text() == "row,reasons\ncrab/train/2,empty\n"


def test_the_error_names_other_failed_rules(groups, sketch_source) -> None:
    groups[1] = with_drawings(groups[1], [])
    zebra = Group("zebra", "test", [groups[0].drawings[0].copy()], ["zebra/test/0"], [])
    with pytest.raises(UserError, match="also failed: missing_class"):
        run([*groups, zebra], sketch_source, quality())


def test_a_quarantined_share_above_the_limit_stops(groups, sketch_source) -> None:
    groups = empty_one(groups)
    with pytest.raises(UserError, match=r"1 of 36 drawings: 1 empty.*at most 2\.0%.*max_quarantined"):
        run(groups, sketch_source, quality(max_quarantined=0.02))
    assert not TARGET.exists()
    report = json.loads(Path("reports/data_docs/sketches/report.json").read_text())
    assert failed_rules(report) == ["empty", "max_quarantined"]
    assert run(groups, sketch_source, quality(max_quarantined=1 / 36)).report["quarantined"] == 1


def test_a_source_without_drawings_is_an_error(sketch_source) -> None:
    with pytest.raises(UserError, match="has no drawings"):
        run([Group("crab", "train", [], [], [])], sketch_source, quality())


def test_all_drawings_can_be_quarantined(groups, sketch_source) -> None:
    groups = [with_drawings(group, [d[:0] for d in group.drawings]) for group in groups]
    report = run(groups, sketch_source, quality(missing_class="warn")).report
    assert (report["read"], report["accepted"], report["quarantined"], report["length"]) == (36, 0, 36, {})
    assert [pq.read_metadata(TARGET / f"{split}.parquet").num_rows for split in SPLITS] == [0, 0, 0]


def test_a_source_that_changes_between_the_passes_raises_an_error(groups, sketch_source) -> None:
    passes = iter([groups, groups[:-1]])
    with pytest.raises(RuntimeError, match=r"36 rows read, but 30 accepted \+ 0 quarantined"):
        validate_sketches(lambda: next(passes), sketch_source, quality())
    assert not TARGET.exists()


@pytest.mark.slow
def test_the_report_counts_drawings_and_two_runs_write_the_same_bytes(groups, sketch_source) -> None:
    groups[3].drawings[4] = groups[0].drawings[1].copy()  # crab/train/1 as ice cream/train/4
    report = run(groups, sketch_source, quality()).report
    first = files.digest_tree(TARGET)
    assert run(groups, sketch_source, quality()).report == report
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


def test_only_the_first_failing_rows_are_named(groups, sketch_source) -> None:
    many = [np.zeros((0, 3), dtype=np.int16)] * 25
    groups = [
        with_drawings(group, [*group.drawings, *many] if group.label == "crab" else group.drawings)
        for group in groups
    ]
    entry = rule_entry(run(groups, sketch_source, quality()).report, "empty")
    assert (entry["unexpected_count"], len(entry["examples"])) == (75, 20)
    assert pq.read_metadata(TARGET / "quarantine.parquet").num_rows == 75


def test_rejected_records_are_quarantined_with_reason_and_detail(groups, sketch_source) -> None:
    groups[0].rejects.extend(Reject("crab.ndjson", "line", n, "not_json", "no JSON") for n in (3, 9))
    groups[4].rejects.append(Reject("ice cream.ndjson", "line", 4, "duplicate_key", "key_id 5 is repeated"))
    groups[5].rejects.append(Reject("eval.tfrecord-00000-of-00001", "record", 2, "bad_shape", "not [n, 3]"))
    outcome = run(empty_one(groups), sketch_source, quality())
    assert outcome.line == "40 read: 35 accepted, 5 quarantined (3 unreadable, 1 empty, 1 duplicate_key)"
    report = outcome.report
    assert (report["read"], report["accepted"], report["quarantined"]) == (40, 35, 5)
    assert report["rejects"] == {"bad_shape": 1, "duplicate_key": 1, "not_json": 2}
    entry = rule_entry(report, "unreadable")
    assert entry["observed_value"] == ["bad_shape", "not_json"]
    assert entry["examples"] == ["crab.ndjson:3", "crab.ndjson:9", "eval.tfrecord-00000-of-00001:2"]
    assert entry["unexpected_count"] == 3
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


def test_not_recognized_drawings_do_not_count_towards_max_quarantined(groups, sketch_source) -> None:
    groups[0].rejects.extend(Reject("crab.ndjson", "line", n, "not_recognized", "no") for n in range(36))
    outcome = run(groups, sketch_source, quality(max_quarantined=0.0))
    assert outcome.line == "72 read: 36 accepted, 36 quarantined (36 not_recognized)"
    entry = rule_entry(outcome.report, "not_recognized")
    assert (entry["success"], entry["unexpected_count"], len(entry["examples"])) == (False, 36, 20)
    assert rule_entry(outcome.report, "max_quarantined")["observed_value"] == 0.0
    assert rule_entry(outcome.report, "unreadable")["success"]


def test_unreadable_records_count_towards_max_quarantined(groups, sketch_source) -> None:
    groups[0].rejects.append(Reject("crab.ndjson", "line", 7, "not_json", "the reason"))
    with pytest.raises(UserError, match=r"1 of 37 drawings: 1 unreadable.*max_quarantined"):
        run(groups, sketch_source, quality(max_quarantined=0.02))
    docs = Path("reports/data_docs/sketches")
    assert (docs / "rejected.csv").read_text() == "row,reasons\ncrab.ndjson:7,unreadable\n"


def test_unreadable_records_can_stop_the_pipeline(groups, sketch_source) -> None:
    groups[0].rejects.append(Reject("crab.ndjson", "line", 7, "missing_key", "the reason"))
    with pytest.raises(UserError, match=r"unreadable: 1 lines or records \(crab.ndjson:7\)"):
        run(groups, sketch_source, quality(unreadable="stop"))
    assert not TARGET.exists()


def test_a_source_can_have_only_rejected_records(sketch_source) -> None:
    group = Group("crab", "train", [], [], [Reject("crab.ndjson", "line", 1, "not_json", "no")])
    report = run([group], sketch_source, quality(missing_class="warn")).report
    assert (report["read"], report["accepted"], report["quarantined"]) == (1, 0, 1)


def test_a_class_and_split_in_several_groups_keeps_its_ids(groups, sketch_source) -> None:
    shards = [
        Group(
            group.label,
            group.split,
            group.drawings[number * 3 : number * 3 + 3],
            [f"{group.label}/{group.split}/s{number}:{n}" for n in range(3)],
            [],
        )
        for number in (0, 1)
        for group in groups
    ]
    shards[6].drawings[1] = shards[6].drawings[1][:0]
    report = run(shards, sketch_source, quality()).report
    assert report["counts"]["train"] == {"crab": 5, "ice cream": 6}
    tables = [pq.read_table(TARGET / f"{split}.parquet") for split in SPLITS]
    accepted = [name for table in tables for name in table["id"].to_pylist()]
    assert len(set(accepted)) == len(accepted) == 35
    assert rule_entry(report, "empty")["examples"] == ["crab/train/s1:1"]
    assert set(accepted) == {name for shard in shards for name in shard.ids} - {"crab/train/s1:1"}


def test_a_split_with_longer_drawings_drifts(groups, sketch_source) -> None:
    groups = [
        with_drawings(group, [np.tile(d, (n, 1)) for n in (3, 4) for d in group.drawings])
        if group.split == "test"
        else group
        for group in groups
    ]
    outcome = run(groups, sketch_source, quality())
    assert failed_rules(outcome.report) == ["drift"]
    entry = rule_entry(outcome.report, "drift")
    assert "n_points, train and test" in entry["examples"]
    assert all("test" in name for name in entry["examples"])
    assert outcome.warnings[0].startswith("drift: ")
    with pytest.raises(UserError, match=r"drift: .*quality\.sketches\.drift_distance"):
        run(groups, sketch_source, quality(drift="stop"))


@pytest.mark.slow
def test_new_data_is_compared_with_a_reference(groups, sketch_source) -> None:
    run(groups, sketch_source, quality())
    (TARGET / "report.json").rename("last.json")
    outcome = run(groups, sketch_source, quality(), "last.json")
    comparison = outcome.report["drift"]["comparisons"][-1]
    assert (comparison["a"], comparison["b"]) == ("memory (last.json)", "all rows")
    effects = {row["feature"]: row["effect"] for row in comparison["features"]}
    assert effects == dict.fromkeys((*DRIFT_FEATURES, "label"), 0.0)
    longer = [with_drawings(group, [np.tile(d, (4, 1)) for d in group.drawings]) for group in groups]
    outcome = run(longer, sketch_source, quality(), "last.json")
    assert "n_points, memory (last.json) and all rows" in rule_entry(outcome.report, "drift")["examples"]
    with pytest.raises(UserError, match=r"quality.reference.*nowhere.json"):
        run(groups, sketch_source, quality(), "nowhere.json")


def test_features_of_many_drawings_are_sampled_and_classes_are_counted(
    groups, sketch_source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BottomKSample.__init__, "__defaults__", (10,))
    report = run(groups, sketch_source, SketchQuality()).report
    assert (report["profile"]["ink"]["count"], report["profile"]["ink"]["sample_of"]) == (10, 36)
    assert report["profile"]["label"]["counts"] == {"crab": 18, "ice cream": 18}
    assert report["length"]["max"] == 9
    assert SAMPLE_SIZE > 1000
