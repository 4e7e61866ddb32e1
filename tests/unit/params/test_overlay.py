"""Presets as overlays: merging, resetting, every model of a task."""

from __future__ import annotations

from pathlib import Path

import pytest

from strokecast.common.errors import UserError
from strokecast.params.overlay import apply_overlay, deep_merge, read_overlay


def test_mappings_are_merged_and_other_values_replaced() -> None:
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 3}
    assert deep_merge(base, {"a": {"c": [9], "e": {"f": 1}}}) == {
        "a": {"b": 1, "c": [9], "e": {"f": 1}},
        "d": 3,
    }
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 3}


def test_sections_in_reset_return_to_their_defaults_first() -> None:
    values = {"features": {"forecast": {"horizon": 3, "lags": [7]}, "watch": {"frames": 4}}}
    overlay = {"reset": ["features.forecast", "quality.series"], "features": {"forecast": {"lags": [14]}}}
    assert apply_overlay(values, overlay) == {
        "features": {"forecast": {"lags": [14]}, "watch": {"frames": 4}}
    }


def test_a_star_changes_every_model_without_an_entry_of_its_own() -> None:
    values = {"models": {"forecast": {"gru": {"seeds": [4]}, "ridge": {}}, "draw": {"sketch_rnn": {}}}}
    overlay = {"models": {"forecast": {"*": {"enabled": False}, "ridge": {"enabled": True}}}}
    assert apply_overlay(values, overlay) == {
        "models": {
            "forecast": {"gru": {"seeds": [4], "enabled": False}, "ridge": {"enabled": True}},
            "draw": {"sketch_rnn": {}},
        }
    }


def test_a_reset_that_is_not_a_list_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("reset: features\n")
    with pytest.raises(UserError, match=r"reset.*key paths"):
        read_overlay(path)
