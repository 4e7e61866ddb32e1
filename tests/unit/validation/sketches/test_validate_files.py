"""From source files to validation: every line is accepted or quarantined exactly once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strokecast import params
from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.params import SketchQuality
from strokecast.sources import registry
from strokecast.sources.formats import reading, source_json
from strokecast.validation.rules import ValidationOutcome
from strokecast.validation.sketches.source import SketchSource
from strokecast.validation.sketches.validate import validate_sketches

RULES = SketchQuality(max_quarantined=1.0, missing_class="warn")
TARGET = Path("data/validated/sketches")


def line_of(key: int, shape: int = 0, recognized: bool = True, word: str = "cat") -> str:
    drawing = [[[0, 255, 255 - shape % 200], [0, 0, 100 + shape % 100]], [[51, 77], [102, 102]]]
    return json.dumps(
        {
            "word": word,
            "countrycode": "NZ",
            "timestamp": "2017-03-08 21:12:07.26604 UTC",
            "recognized": recognized,
            "key_id": str(key),
            "drawing": drawing,
        }
    )


def validate_raw(rules: SketchQuality = RULES) -> ValidationOutcome:
    raw = paths.RAW / "sketches"
    source = SketchSource.from_json(source_json.read(raw, "sketches"))
    return validate_sketches(lambda: reading.read(raw), source, rules)


def validate_lines(lines: list[str], **options: Any) -> dict[str, Any]:
    """The report of a class file with these lines."""
    raw = paths.RAW / "sketches"
    shutil.rmtree(raw, ignore_errors=True)
    raw.mkdir(parents=True)
    (raw / "cat.ndjson").write_bytes("".join(f"{line}\n" for line in lines).encode(errors="surrogateescape"))
    facts = {
        "source": "quickdraw_simplified",
        "format": "simplified",
        "classes": ["cat"],
        "files": {},
        "options": {"valid_share": 0.2, "test_share": 0.2, **options},
    }
    (raw / "source.json").write_text(json.dumps(facts))
    return validate_raw().report


LINES = st.one_of(
    st.builds(
        line_of,
        key=st.integers(1, 6),
        shape=st.integers(0, 3),
        recognized=st.booleans(),
        word=st.sampled_from(["cat", "cat", "cat", "dog"]),
    ),
    st.sampled_from(["{", "null", "\udcff\udcfe", '{"word": "cat"}', line_of(9).replace("255", "NaN"), "[]"]),
    st.sampled_from([line_of(7).replace("[51, 77]", "[51]"), line_of(8).replace("[[", "[[[", 1)]),
)


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINES, max_size=30), recognized=st.booleans(), duplicates=st.booleans())
def test_every_line_is_accepted_or_quarantined_once(
    lines: list[str], recognized: bool, duplicates: bool
) -> None:
    lines = [line_of(77), *lines]
    shutil.rmtree(TARGET, ignore_errors=True)
    try:
        report = validate_lines(lines, recognized_only=recognized, drop_duplicates=duplicates)
    except UserError as error:
        message, report = str(error), {}
    if not report:
        assert "\n" not in message
        assert not TARGET.exists()
        return
    assert report["read"] == len(lines)
    tables = [pq.read_table(TARGET / f"{split}.parquet") for split in ("train", "valid", "test")]
    accepted = [name for table in tables for name in table["id"].to_pylist()]
    quarantine = pq.read_table(TARGET / "quarantine.parquet").to_pylist()
    assert (len(accepted), len(quarantine)) == (report["accepted"], report["quarantined"])
    names = [*accepted, *(row["id"] for row in quarantine)]
    assert len(set(names)) == len(names) == len(lines)
    assert all(row["reasons"] for row in quarantine)
    assert {row["reasons"][0] for row in quarantine if row["detail"]} <= {
        "unreadable",
        "duplicate_key",
        "not_recognized",
    }
    assert sum(report["rejects"].values()) == sum(row["detail"] is not None for row in quarantine)


def test_each_kind_of_line_has_its_reason() -> None:
    lines = [
        line_of(1),
        line_of(2, 1),
        line_of(1, 2),
        line_of(3, recognized=False),
        "{",
        line_of(4, word="dog"),
        line_of(5),
    ]
    report = validate_lines(lines, recognized_only=True, valid_share=0.0, test_share=0.0)
    rows = {row["id"]: row for row in pq.read_table(TARGET / "quarantine.parquet").to_pylist()}
    assert {name: row["reasons"] for name, row in rows.items()} == {
        "cat.ndjson:3": ["duplicate_key"],
        "cat.ndjson:4": ["not_recognized"],
        "cat.ndjson:5": ["unreadable"],
        "cat.ndjson:6": ["unreadable"],
        "cat/train/5": ["duplicate"],
    }
    assert rows["cat.ndjson:6"]["detail"] == """other_class: word is "dog", not 'cat'"""
    assert (report["read"], report["accepted"]) == (7, 2)
    page = Path("reports/data_docs/sketches/index.html").read_text()
    for text in ("cat.ndjson:3", "cat.ndjson:5, cat.ndjson:6", "cat/train/5", "not_json, other_class"):
        assert text in page


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "n_drawings"),
    [
        ("quickdraw_simplified", 1_175),
        ("quickdraw_raw", 159),
        ("quickdraw_binary", 1),
        ("tutorial_tfrecord", 7_500),
    ],
)
def test_real_files_of_each_format_are_accepted_in_full(source: str, n_drawings: int, shared: Path) -> None:
    options = (
        {"folder": str((shared / "quickdraw_tutorial").resolve())}
        if source == "tutorial_tfrecord"
        else {"base_url": str((shared / "quickdraw").resolve())}
    )
    registry.download("sketches", params.parse({"sketches": {"source": source, source: options}}))
    report = validate_raw().report
    assert (report["read"], report["accepted"]) == (n_drawings, n_drawings)
    ids = [
        str(name)
        for split in ("train", "valid", "test")
        for name in pq.read_table(TARGET / f"{split}.parquet")["id"]
    ]
    assert len(set(ids)) == n_drawings


@pytest.mark.slow
def test_the_mirror_of_twenty_classes_is_accepted_in_full(shared: Path) -> None:
    mirror = {"base_url": str((shared / "quickdraw").resolve()), "classes": "all"}
    registry.download("sketches", params.parse({"sketches": {"source": "quickdraw", "quickdraw": mirror}}))
    outcome = validate_raw(SketchQuality())
    assert outcome.line == "16,000 read: 16,000 accepted, 0 quarantined"
    assert outcome.warnings == []
    report = outcome.report
    assert {split: set(counts.values()) for split, counts in report["counts"].items()} == {
        "train": {650},
        "valid": {50},
        "test": {100},
    }
    assert len(report["classes"]) == len(report["counts"]["test"]) == 20
    assert (report["length"]["min"], report["length"]["median"], report["length"]["max"]) == (12, 48, 209)
