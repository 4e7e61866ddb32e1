"""Measurements in processes of their own."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize(
    ("arguments", "cost"), [(["--child", "a", "2"], [1.0, 0.5]), (["--project", "x"], None)]
)
def test_the_measurement_runs_in_the_started_process_only(
    import_benchmark, monkeypatch, capsys, arguments, cost
):
    monkeypatch.setattr("sys.argv", ["script.py", *arguments])
    calls = []

    def measurement(kind: str, count: str) -> tuple[float, float]:
        calls.append((kind, count))
        return 1.0, 0.5

    assert import_benchmark("own_process").run_child(measurement) == (cost is not None)
    output = capsys.readouterr().out
    if cost is None:
        assert not output
        assert not calls
    else:
        result = json.loads(output)
        assert [result["seconds"], result["processor"]] == cost
        assert result["peak"] > 2**20  # bytes, not the kilobytes of `getrusage`
        assert calls == [("a", "2")]
