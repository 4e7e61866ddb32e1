"""Drawings that do not fit into memory: judged part by part, with the same outcome."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.params import SketchQuality
from strokecast.sources.formats.reading import Group
from strokecast.sources.formats.records import Reject
from strokecast.validation import checks, data_docs, drift, parts, sample
from strokecast.validation.rules import Rule
from strokecast.validation.sample import Sample
from strokecast.validation.sketches import duplicates, spool, suite, table, tallies
from strokecast.validation.sketches import validate as sketches
from strokecast.validation.sketches.spool import Spools

SPLITS = ("train", "valid", "test")
KINDS = ("not_json", "duplicate_key", "not_recognized", "bad_shape")
ALL_WARN = dict.fromkeys(("too_short", "too_long", "huge_delta", "bad_pen", "open_end", "duplicate"), "warn")


def faulty(named: bool) -> list[Group]:
    """Every fault, some of them together, copies of copies, rejects; ids from the order or not."""
    rng = np.random.default_rng(0)
    found: list[Group] = []
    for half in (0, 1):
        for label in ("crab", "ice cream"):
            for split in SPLITS:
                own: list[np.ndarray] = []
                for _ in range(12):
                    drawing = rng.integers(-40, 40, (3 + int(rng.integers(0, 20)), 3)).astype(np.float64)
                    drawing[:, 2] = 0
                    drawing[-1, 2] = 1
                    fault = int(rng.integers(0, 14))
                    if fault in (0, 1):
                        drawing = drawing[:fault]
                    elif fault == 2:
                        drawing = np.tile(drawing, (400, 1))
                    elif fault in (3, 4):
                        drawing[1, fault - 3] = np.nan if fault == 3 else 5000 + rng.random()
                    elif fault == 5:
                        drawing[-1, 2], drawing[0, 0] = rng.choice([0, 0.5]), rng.choice([1, 9000])
                    elif fault in (6, 7) and found:
                        drawing = found[int(rng.integers(len(found)))].drawings[int(rng.integers(12))].copy()
                    own.append(drawing)
                first = f"é{half}:" if named else ""
                ids = [f"{label}/{split}/{first}{index}" for index in range(12)]
                rejects = [
                    Reject("crab.ndjson", "line", 100 * len(found) + n, KINDS[int(rng.integers(4))], "why")
                    for n in range(int(rng.integers(0, 9)))
                ]
                found.append(Group(label, split, own, ids, rejects))
    return found


def outcome(groups: list[Group], folder: str, **settings: Any) -> list[str]:
    """Digests of all that a run leaves, and what it says."""
    target = Path(folder) / "sketches"
    source = {"source": "memory", "classes": ["ice cream", "crab"], "files": {}}
    chosen = SketchQuality.model_validate({"max_quarantined": 1.0, "missing_class": "warn", **settings})
    try:
        said = sketches.validate(lambda: iter(groups), source, chosen, None, target).line
    except UserError as error:
        said = str(error)
    assert not list(target.parent.glob(".*"))
    left = files.digest_tree(target) if target.exists() else "nothing"
    page = data_docs.folder("sketches")
    rejected = page / "rejected.csv"
    return [
        said,
        left,
        files.sha256(page / "report.json"),
        files.sha256(page / "worst.svg"),
        rejected.read_text() if rejected.exists() else "",
    ]


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("settings", [{}, ALL_WARN, {"duplicate": "stop"}, {"max_quarantined": 0.1}], ids=str)
def test_drawings_that_are_judged_in_parts_leave_the_same_bytes(
    monkeypatch: pytest.MonkeyPatch, named: bool, settings: dict[str, Any]
) -> None:
    whole = outcome(faulty(named), "whole", **settings)
    monkeypatch.setattr(table, "PART", 97)
    monkeypatch.setattr(table, "CHUNK", 5)
    monkeypatch.setattr(duplicates, "BUCKET", 16)
    monkeypatch.setattr(duplicates, "_MEMORY", 1)
    monkeypatch.setattr(spool, "IN_MEMORY", 1)
    monkeypatch.setattr(Spools.new, "__defaults__", (1,))
    assert outcome(faulty(named), "parts", **settings) == whole
    assert "/" in whole[0] or "quarantined" in whole[0]


def test_clean_drawings_judged_in_parts_show_the_same_extremes(
    groups: list[Group], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = outcome(groups, "whole")
    assert whole[0] == "36 read: 36 accepted, 0 quarantined"
    monkeypatch.setattr(table, "PART", 20)
    assert outcome(groups, "parts") == whole


@pytest.mark.parametrize("size", [7, 25, 1000])
def test_every_kind_of_expectation_is_put_together_as_if_it_had_seen_the_whole(size: int) -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {
            "a": rng.choice([1.0, 5000.25, 7000.5, np.nan], 60).astype(np.float32),
            "n": rng.integers(0, 5, 60).astype(np.int32),
            "t": rng.choice(["x", "y", "z"], 60),
        }
    )
    rules = [
        Rule("most", "warn", "s", "at_most", "a", 4000.0),
        Rule("least", "warn", "s", "at_least", "n", 3, ("n", ">", 1.0)),
        Rule("nothing", "warn", "s", "at_least", "n", 3, ("n", ">", 9.0)),
        Rule("set", "warn", "s", "in_set", "t", ["x"]),
        Rule("null", "warn", "s", "present", "a"),
    ]

    def name(rule: Rule, position: int) -> checks.Named:
        return f"{rule.name} {position}", {"id": str(position)}

    whole, record = checks.run("suite", frame, rules, name)
    judge = checks.Judge("suite", rules, name)
    places: list[list[int]] = [[] for _ in rules]
    for start in range(0, 60, size):
        broken = judge.add(frame[start : start + size])
        for found, positions in zip(places, broken, strict=True):
            found += (start + positions).tolist()
    verdicts, same = judge.finish()
    if size < 60:  # Great Expectations takes no two NaN for the same value
        nulls = [one["results"][-1]["result"].pop("partial_unexpected_counts") for one in (record, same)]
        assert sum(one["count"] for one in nulls[0]) == nulls[1][0]["count"] == verdicts[-1].count
    assert same == record
    assert [str(one) for one in same["results"]] == [str(one) for one in record["results"]]  # keys in order
    assert [one.record() for one in verdicts] == [one.record() for one in whole]
    assert places == [one.positions.tolist() for one in whole if one.positions is not None]


def test_of_very_many_distinct_values_the_later_ones_are_only_counted_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts, "DISTINCT", 3)
    found = parts.Found(Rule("most", "warn", "s", "at_most", "a", 0))
    for values in ([1, 2, 2], [3, 4, 2], [5]):
        found.add({"result": dict.fromkeys(("element_count", "unexpected_count"), len(values))
                   | {"partial_unexpected_list": values, "observed_value": max(values)}, "success": False}, values)  # fmt: skip
    result = found.whole()["result"]
    assert (result["unexpected_count"], result["observed_value"]) == (7, 5)
    assert result["partial_unexpected_counts"] == [
        {"value": value, "count": count} for value, count in ((2, 3), (1, 1), (3, 1))
    ]


# ---------------------------------------------------------------- spools


def test_a_spool_gives_back_what_was_put_in_and_its_file_has_no_name(tmp_path: Path) -> None:
    with Spools(tmp_path / "data") as spools:
        small, large = spools.new("i4"), spools.new([("a", "i8"), ("b", "f4", 2)], memory=1)
        rows = np.zeros(9, dtype=large.dtype)
        rows["a"], rows["b"] = np.arange(9), np.arange(18).reshape(9, 2)
        for start in range(0, 9, 4):
            small.append(rows["a"][start : start + 4])
            large.append(rows[start : start + 4])
            assert len(large.read(1, 3)) == 2  # reading between appends changes nothing
        assert small.read().tolist() == list(range(9))
        np.testing.assert_array_equal(large.read(2, 7), rows[2:7])
        assert large.read(7, 99)["a"].tolist() == [7, 8]
        assert (len(large), len(large.read(9, 9))) == (9, 0)
        assert not list((tmp_path / "data").iterdir())
    with pytest.raises(ValueError, match="closed"):
        large.read()


def test_memory_stays_flat_as_drawings_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Great Expectations apart: four times the drawings take hardly more at their peak."""
    for module, name in ((table, "PART"), (duplicates, "BUCKET"), (table, "CHUNK")):
        monkeypatch.setattr(module, name, 250)
    monkeypatch.setattr(duplicates, "_MEMORY", 1)
    monkeypatch.setattr(Spools.new, "__defaults__", (1,))
    monkeypatch.setattr(Sample.__init__, "__defaults__", (200,))
    rules = suite.of_drawings(SketchQuality(), ["crab"])

    def peak(groups: int) -> int:
        rng = np.random.default_rng(0)
        tracemalloc.start()
        with Spools(tmp_path) as spools:
            made = table.Table(["crab"], 2, spools)
            for number in range(groups):
                own = list(rng.integers(0, 99, (500, 4, 3)).astype(np.int16))
                ids = [f"crab/train/{number}:{index}" for index in range(500)]
                rejects = [Reject("crab.ndjson", "line", n, "not_json", "why") for n in range(200)]
                made.add(Group("crab", "train", own, ids, rejects))
            found = tallies.Accounts(rules, made.labels, spools)
            for start, frame in made.parts():
                found.add(start, frame, [np.arange(0, 250, 2), *[np.zeros(0, dtype=np.int64)] * 9])
            for _, lines in made.lines():
                assert len(lines) <= 250
            assert (found.quarantined, found.tally) == (250 * groups, {"empty": 250 * groups})
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(1)  # what is imported and cached once
    few, many = peak(8), peak(32)
    assert many < 1.2 * few


# ---------------------------------------------------------------- samples


def test_a_sample_does_not_depend_on_how_the_stream_is_cut() -> None:
    rows = np.arange(5000.0)[:, None]
    found = []
    for size in (1, 7, 800, 5000):
        kept = Sample(1, size=300)
        for start in range(0, 5000, size):
            kept.add(np.arange(start, min(start + size, 5000)), rows[start : start + size])
        assert kept.seen == 5000
        found.append(sorted(kept.rows.ravel().tolist()))
    assert len(set(found[0])) == 300
    assert all(one == found[0] for one in found)


def test_a_stream_that_fits_is_kept_whole() -> None:
    kept = Sample(1)
    kept.add(np.arange(10), np.arange(10.0)[:, None])
    assert sorted(kept.rows.ravel()) == list(range(10))
    assert "sample_of" not in drift.profile({"x": kept.rows[:, 0]}, seen=kept.seen)["x"]


def test_a_sample_is_as_its_stream_and_the_profile_says_what_it_is() -> None:
    rng = np.random.default_rng(3)
    values = np.concatenate([rng.normal(size=60_000), rng.normal(9, 1, size=20_000)])  # the end differs
    kept = Sample(1, size=10_000)
    for start in range(0, 80_000, 9_000):
        part = values[start : start + 9_000]
        kept.add(np.arange(start, start + len(part)), part[:, None])
    assert stats.ks_2samp(kept.rows[:, 0], values).statistic < 0.02
    found = drift.profile({"x": kept.rows[:, 0]}, seen=kept.seen)["x"]
    assert (found["count"], found["effective"], found["sample_of"]) == (10_000, 10_000, 80_000)


def test_shapes_of_many_drawings_are_sampled_and_classes_are_counted(
    groups: list[Group], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sample.__init__, "__defaults__", (10,))
    source = {"source": "memory", "classes": ["crab", "ice cream"], "files": {}}
    report = sketches.validate(lambda: iter(groups), source, SketchQuality()).report
    assert (report["profile"]["ink"]["count"], report["profile"]["ink"]["sample_of"]) == (10, 36)
    assert report["profile"]["label"]["counts"] == {"crab": 18, "ice cream": 18}
    assert report["length"]["max"] == 9
    assert sample.SIZE > 1000
