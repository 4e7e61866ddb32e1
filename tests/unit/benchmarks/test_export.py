"""The tables of exported networks in `docs/guide/export.md`."""

from __future__ import annotations

import json
from typing import Any

import pytest


def _times(median: float, tail: float) -> dict[str, float]:
    return {"p50": median, "p99": tail}


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    common = {"largest_difference": 5e-7, "compared_examples": 1000, "bytes": 2000, "keras_bytes": 3000}
    scores = {"metric": "accuracy", "score": 0.79, "keras_score": 0.8}
    keras = {"keras": _times(50, 90), "keras_predict": _times(30, 60), "keras_function": _times(4, 5)}
    a, b = {"network": "classify/a"}, {"network": "watch/b"}
    return [
        {**a, "variant": "onnx", **common, **scores, "latency_ms": {"file": _times(2, 6), **keras}},
        {**a, "variant": "litert", **common, **scores, "latency_ms": {"file": _times(1, 2)}},
        {**a, "variant": "onnx-int8", **common, **scores, "latency_ms": {"file": _times(1, 2)}},
        {**b, "variant": "onnx", **common, **scores, "latency_ms": {"file": _times(1, 10), **keras}},
        {**b, "variant": "litert", "reason": "no op for Foo"},
    ]


def test_tables_compare_with_the_faster_call_and_state_losses_and_refusals(import_benchmark, rows, tmp_path):
    record = tmp_path / "record.jsonl"
    record.write_text("".join(json.dumps(row) + "\n" for row in rows))
    tables = import_benchmark("export")._tables(record, {"draw/c": "it samples", "classify/a": ""})
    assert "| classify/a | 1000 | not tried | 5.0e-07 | 5.0e-07 | 3 | 2 | 2 |" in tables
    assert (
        "| classify/a | 50.00 / 90.00 | 30.00 / 60.00 | 4.00 / 5.00 | 2.00 / 6.00 | 1.00 / 2.00 | 15.0 | 2.0 |"
        in tables
    )
    assert "| classify/a | not tried | -1.0 points, 2 | not tried | not tried |" in tables
    assert "takes 15.0 to 30.0 times the median of the ONNX file, and 6.0 to 10.0 times its 99th" in tables
    assert "| watch/b | 1000 | not tried | 5.0e-07 | no (1) | 3 | 2 |  |" in tables
    assert "1. no op for Foo" in tables
    assert "Not exported, it samples: draw/c." in tables
