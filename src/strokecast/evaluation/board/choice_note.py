"""The sentence that says how often validation chose the right forecaster on recorded series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def choice_note(facts: Mapping[str, Any]) -> str:
    """One sentence on `evaluation.forecast.validation_choice.count_right`."""
    count = len(facts["runs"])
    ranks = ", ".join(f"{rank} ({run})" for run, rank in zip(facts["runs"], facts["ranks"], strict=True))
    return (
        f"the champion is the best in hindsight in {facts['best']} of {count}, within {100 * facts['near_share']:g} % of it in "
        f"{facts['near']}, and not significantly different from it in {facts['same']}; ranks: {ranks}. Its "
        f"MAE is on average {100 * facts['loss']:.1f} % above that of the best one, that of the median row "
        f"{100 * facts['typical_loss']:.1f} %."
    )


def recorded_choice_notes(summary: Mapping[str, Any]) -> list[str]:
    """The note on the recorded series, if `summary.json` has them."""
    facts = summary.get("validation_choice")
    if facts is None:
        return []
    count = len(facts["runs"])
    return [
        f"How often this choice is right, over {count} recorded runs ({facts['date']}): {choice_note(facts)}"
    ]
