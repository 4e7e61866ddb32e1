"""The section of a search: best first, best so far, positions within the ranges."""

import pytest

from strokecast.common.files import write_json
from strokecast.evaluation.board.report.searches import search_sections

RECORD = {
    "study": "classify-gru",
    "task": "classify",
    "model": "gru",
    "metric": "validation accuracy",
    "higher_is_better": True,
    "space": {
        "config.units": {"low": 10, "high": 1000, "log": True},
        "config.both": [False, True],
    },
    "setup": {},
    "best": 2,
    "default": 0,
    "importances": {"config.units": 0.75, "config.both": 0.25},
    "trials": [
        {
            "number": 0,
            "state": "complete",
            "score": 0.5,
            "values": {"config.units": 100, "config.both": False},
        },
        {"number": 1, "state": "pruned", "score": 0.9, "values": {"config.units": 10, "config.both": True}},
        {
            "number": 2,
            "state": "complete",
            "score": 0.75,
            "values": {"config.units": 1000, "config.both": True},
        },
        {"number": 4, "state": "failed", "score": None, "values": {"config.units": 10, "config.both": True}},
    ],
}


@pytest.fixture
def section(tmp_path):
    write_json(tmp_path / "classify-gru.json", RECORD)
    write_json(tmp_path / "watch.json", RECORD | {"task": "watch"})
    (found,) = search_sections(tmp_path, "classify")
    return found


def test_the_best_complete_trial_comes_first(section):
    parallel = section.data["parallel"]["traces"]
    assert [trace["name"] for trace in parallel] == ["trial 2", "trial 0", "trial 1"]
    assert [trace["y"] for trace in parallel] == [[1.0, 1.0], [0.5, 0.0], [0.0, 1.0]]
    line, complete, pruned = section.data["history"]["traces"]
    assert line["y"] == [0.5, 0.5, 0.75]  # a pruned trial is never the best
    assert (complete["x"], pruned["x"]) == ([0, 2], [1])
    (bars,) = section.data["importances"]["traces"]
    assert bars["y"] == ["config.both", "config.units"]


def test_the_section_counts_the_trials_and_lists_their_values(section):
    assert "4 trials of gru: 2 complete, 1 pruned, 1 failed" in section.html
    assert "trial 0 has the settings of params.yaml" in section.html
    assert "<td>1000</td>" in section.html
    assert section.anchor == "classify-search-1"


def test_a_search_without_importances_has_no_bars(tmp_path):
    write_json(tmp_path / "one.json", RECORD | {"importances": {}, "higher_is_better": False})
    (found,) = search_sections(tmp_path, "classify")
    assert set(found.data) == {"history", "parallel"}
    assert found.data["history"]["traces"][0]["y"] == [0.5, 0.5, 0.5]
    assert search_sections(tmp_path / "missing", "classify") == []
