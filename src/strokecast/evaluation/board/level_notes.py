"""Notes below the leaderboard of forecasters: to what level their forecasts are relative, and how they are corrected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def level_notes(summary: Mapping[str, Any]) -> list[str]:
    """One note on the residuals of networks and one on online corrections; none if there are none."""
    levels = summary.get("levels", {})  # missing in reports from before there were corrections
    notes = []
    residuals: dict[str, list[str]] = {}
    for label, facts in levels.items():
        if facts.get("residual", "none") != "none":
            residuals.setdefault(facts["residual"], []).append(label)
    if residuals:
        listed = "; ".join(f"{value}: {', '.join(labels)}" for value, labels in residuals.items())
        notes.append(f"Networks that forecast the distance from a recent level (residual). {listed}.")
    corrections: dict[str, list[str]] = {}
    for label, facts in levels.items():
        for words in dict.fromkeys(facts.get("correction", {}).values()):
            corrections.setdefault(words, []).append(label)
    if corrections:
        listed = "; ".join(f"{', '.join(labels)}: plus {words}" for words, labels in corrections.items())
        notes.append(f"Corrected by their last known errors, chosen on validation origins: {listed}.")
    return notes
