"""How often validation chose the right forecaster: the recorded runs, and the note on them."""

import json
from pathlib import Path

import pytest

from strokecast.evaluation.board.leaderboard import read_tables
from strokecast.evaluation.board.notes import recorded_choice_notes
from strokecast.evaluation.forecast import validation_choice
from strokecast.evaluation.forecast.validation_choice import Choice, Choices, count_right

COMMON = {"series": "made", "first": "2019-06-15", "horizon": 7, "champion": "gru", "best": "ridge"}
CHOICES = (
    Choice(run="right", rows=5, rank=1, mae=10.0, best_mae=10.0, differs=False, typical=0.5, **COMMON),
    Choice(run="near", rows=5, rank=2, mae=10.1, best_mae=10.0, differs=True, typical=0.3, **COMMON),
    Choice(run="far", rows=9, rank=4, mae=13.0, best_mae=10.0, differs=False, typical=0.7, **COMMON),
)


def test_choices_are_counted():
    facts = count_right(CHOICES)
    assert (facts["best"], facts["near"], facts["same"]) == (1, 2, 2)
    assert (facts["loss"], facts["typical_loss"]) == pytest.approx((0.1033, 0.5))
    (note,) = recorded_choice_notes({"validation_choice": {"date": "2026-01-31"} | facts})
    assert note == (
        "How often this choice is right, over 3 recorded runs (2026-01-31): the champion is the best in hindsight in 1 of 3, within "
        "2 % of it in 2, and not significantly different from it in 2; ranks: 1 of 5 (right), 2 of 5 (near), 4 of 9 (far). Its MAE "
        "is on average 10.3 % above that of the best one, that of the median row 50.0 %."
    )


def test_a_written_file_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(validation_choice, "FILE", tmp_path / "choice.yaml")
    choices = Choices(date="2026-01-31", choices=CHOICES)
    validation_choice.write(tmp_path / "choice.yaml", choices)
    assert validation_choice.load() == choices


@pytest.mark.usefixtures("without_figures")
def test_the_leaderboard_shows_the_recorded_runs(write_reports, tmp_path: Path):
    recorded = validation_choice.load()
    assert len({one.run for one in recorded.choices}) == len(recorded.choices)
    assert all(one.rank <= one.rows and one.loss >= 0 for one in recorded.choices)
    write_reports(tmp_path, forecast={})
    summary = json.loads((tmp_path / "forecast/summary.json").read_text())
    assert summary["validation_choice"]["runs"] == [one.run for one in recorded.choices]
    (table,) = read_tables(tmp_path, ("forecast",))
    assert any(note.startswith("How often this choice is right, over ") for note in table.notes)
