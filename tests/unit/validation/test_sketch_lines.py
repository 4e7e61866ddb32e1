"""From a file of one's own format to the quarantine: no line lost, none counted twice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.params import SketchQuality
from strokecast.sources.formats import reading, source_json
from strokecast.validation.sketches import validate as sketches

RULES = SketchQuality(max_quarantined=1.0, missing_class="warn")
TARGET = Path("data/validated/sketches")


def good(key: int, shape: int = 0, recognized: bool = True, word: str = "cat") -> str:
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


def validate(lines: list[str], **options: Any) -> dict[str, Any]:
    raw = paths.RAW / "sketches"
    shutil.rmtree(raw, ignore_errors=True)
    raw.mkdir(parents=True)
    (raw / "cat.ndjson").write_bytes("".join(f"{line}\n" for line in lines).encode(errors="surrogateescape"))
    record = {
        "source": "quickdraw_simplified",
        "format": "simplified",
        "classes": ["cat"],
        "files": {},
        "options": {"valid_share": 0.2, "test_share": 0.2, **options},
    }
    (raw / "source.json").write_text(json.dumps(record))
    return sketches.validate(lambda: reading.read(raw), source_json.read(raw, "sketches"), RULES).report


LINES = st.one_of(
    st.builds(
        good,
        key=st.integers(1, 6),
        shape=st.integers(0, 3),
        recognized=st.booleans(),
        word=st.sampled_from(["cat", "cat", "cat", "dog"]),
    ),
    st.sampled_from(["{", "null", "\udcff\udcfe", '{"word": "cat"}', good(9).replace("255", "NaN"), "[]"]),
    st.sampled_from([good(7).replace("[51, 77]", "[51]"), good(8).replace("[[", "[[[", 1)]),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINES, max_size=30), recognized=st.booleans(), duplicates=st.booleans())
def test_every_line_is_accepted_or_quarantined_once(
    lines: list[str], recognized: bool, duplicates: bool
) -> None:
    lines = [good(77), *lines]
    shutil.rmtree(TARGET, ignore_errors=True)
    try:
        report = validate(lines, recognized_only=recognized, drop_duplicates=duplicates)
    except UserError as error:
        stopped = str(error)
        report = {}
    if not report:
        assert "\n" not in stopped
        assert not TARGET.exists()
        return
    assert report["read"] == len(lines)
    tables = [pq.read_table(TARGET / f"{split}.parquet") for split in ("train", "valid", "test")]
    kept = [name for table in tables for name in table["id"].to_pylist()]
    aside = pq.read_table(TARGET / "quarantine.parquet").to_pylist()
    assert (len(kept), len(aside)) == (report["accepted"], report["quarantined"])
    names = [*kept, *(row["id"] for row in aside)]
    assert len(set(names)) == len(names) == len(lines)
    assert all(row["reasons"] for row in aside)
    assert {row["reasons"][0] for row in aside if row["detail"]} <= {
        "unreadable",
        "duplicate_key",
        "not_recognized",
    }
    assert sum(report["rejects"].values()) == sum(row["detail"] is not None for row in aside)


def test_each_kind_of_line_has_its_reason() -> None:
    lines = [good(1), good(2, 1), good(1, 2), good(3, recognized=False), "{", good(4, word="dog"), good(5)]
    report = validate(lines, recognized_only=True, valid_share=0.0, test_share=0.0)
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
    for part in ("cat.ndjson:3", "cat.ndjson:5, cat.ndjson:6", "cat/train/5", "not_json, other_class"):
        assert part in page


@pytest.mark.parametrize(
    "form", ["quickdraw_simplified", "quickdraw_raw", "quickdraw_binary", "tutorial_tfrecord"]
)
def test_real_files_of_each_format(form: str, shared: Path) -> None:
    from strokecast import params
    from strokecast.sources import registry

    at = {
        "tutorial_tfrecord": {"folder": str((shared / "quickdraw_tutorial").resolve())},
    }.get(form, {"base_url": str((shared / "quickdraw").resolve())})
    registry.download("sketches", params.parse({"sketches": {"source": form, form: at}}))
    raw = paths.RAW / "sketches"
    report = sketches.validate(lambda: reading.read(raw), source_json.read(raw, "sketches"), RULES).report
    read = {
        "quickdraw_simplified": 1_175,
        "quickdraw_raw": 159,
        "quickdraw_binary": 1,
        "tutorial_tfrecord": 7_500,
    }
    assert (report["read"], report["accepted"]) == (read[form], read[form])
    ids = [
        i for split in ("train", "valid", "test") for i in pq.read_table(TARGET / f"{split}.parquet")["id"]
    ]
    assert len({str(name) for name in ids}) == read[form]
