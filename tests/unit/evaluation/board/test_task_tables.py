"""The leaderboard tables of classify and forecast, with their notes."""

import dataclasses
import json

import pytest

from strokecast.evaluation.board.leaderboard import read_tables
from strokecast.evaluation.board.notes import combination_notes, refit_notes
from strokecast.evaluation.board.task_tables import make_table
from strokecast.params import ClassifyEvaluation, ForecastEvaluation


def test_order_and_notes(reports):
    classify, forecast = read_tables(reports, ("classify", "forecast"))
    assert [row[0] for row in classify.rows] == ["good", "twin", "poor"]
    assert [row[0] for row in forecast.rows] == ["sharp", "naive", "offset"]
    assert "One seed per model: the spread over seeds is unknown." in forecast.notes
    assert any("one seed only: twin, poor" in note for note in classify.notes)
    assert "Not significantly different from good (paired 95 % interval): twin." in classify.notes
    assert "sharp is significantly better than every other model (paired 95 % interval)." in forecast.notes
    assert all(len(row) == len(table.header) for table in (classify, forecast) for row in table.rows)
    assert " ± " in classify.rows[0][1]
    assert "MAE before" in forecast.header
    at = forecast.header.index("80 % coverage, %")
    assert 75 < float(forecast.rows[0][at]) < 85
    assert forecast.rows[2][at] == "0.0"


@pytest.mark.usefixtures("without_figures")
def test_notes_name_the_classifiers_that_are_not_better_than_the_baseline(reports, write_reports, tmp_path):
    def table(baseline):
        settings = ClassifyEvaluation(baseline=baseline, resamples=100)
        write_reports(tmp_path / str(baseline), {"settings": settings})
        return make_table(json.loads((tmp_path / str(baseline) / "classify/summary.json").read_text()))

    poor = read_tables(reports, ("classify",))[0]
    at = poor.header.index("minus poor, points")
    assert [row[0] for row in poor.rows if row[at] == "-"] == ["poor"]
    assert poor.rows[0][at].startswith("+4")
    assert "Every other model is better than poor by a paired 95 % interval above 0." in poor.notes
    (twin,) = [note for note in table("twin").notes if "etter than" in note]
    assert twin.startswith("Not better than twin by a paired 95 % interval above 0: good (+")
    assert ", poor (-4" in twin
    none = table(None)
    assert not [title for title in none.header if title.startswith("minus")]
    assert not [note for note in none.notes if "etter than" in note]
    absent = table("logistic")
    assert "No comparison with logistic: it is not among the evaluated models." in absent.notes
    assert len(absent.header) == len(absent.rows[0]) == len(none.header)


@pytest.mark.usefixtures("without_figures")
def test_notes_name_the_forecasters_that_are_not_better_than_the_baseline(reports, write_reports, tmp_path):
    table = read_tables(reports, ("forecast",))[0]
    at = table.header.index("MAE minus naive")
    assert [row[at] == "-" for row in table.rows] == [False, True, False]
    assert table.rows[0][at].startswith("-4")
    assert any(
        note.startswith("Not better than naive by a paired 95 % interval below 0: offset (+")
        for note in table.notes
    )
    write_reports(tmp_path, forecast={"settings": ForecastEvaluation(resamples=100)})
    assert "MAE minus" not in " ".join(read_tables(tmp_path, ("forecast",))[0].header)


@pytest.mark.usefixtures("without_figures")
def test_left_out_origins_and_unattainable_intervals_are_reported(
    reports, forecast_inputs, write_reports, tmp_path
):
    table = read_tables(reports, ("forecast",))[0]
    assert "from 194 origins, one per day," in table.about
    (note,) = (note for note in table.notes if note.startswith("naive: 15 validation origins are too few"))
    assert "95 % intervals" in note
    fewer = dataclasses.replace(forecast_inputs.test, possible_origins=800)
    write_reports(tmp_path, forecast={"test": fewer})
    about = read_tables(tmp_path, ("forecast",))[0].about
    assert "from 194 origins evenly spaced out of 800, first forecast day" in about


@pytest.mark.parametrize(
    ("refits", "lines"),
    [
        ({}, []),
        ({"gru": 30, "ridge": 30}, ["move on: gru, ridge every 30 days. "]),
        (
            {"calendar_ridge": 91, "lightgbm": 182},
            ["calendar_ridge every 91 days; lightgbm every 182 days. "],
        ),
    ],
)
def test_rows_that_are_fitted_again_are_named(refits, lines):
    notes = refit_notes({"refits": refits})
    assert len(notes) == len(lines)
    assert all(line in note for line, note in zip(lines, notes, strict=True))


def test_members_without_weight_are_named_in_the_line_of_their_combination():
    facts = {
        "rule": "nnls",
        "top": 3,
        "origins": 60,
        "weights": {"": {"ridge": 0.25, "gru": 0.75, "lstm": 0.0}},
    }
    (note,) = combination_notes({"combinations": {"best_3": facts}})
    assert note.startswith(
        "best_3 = 0.75 gru + 0.25 ridge (weight 0: lstm): weights by non-negative least squares of"
    )
    facts["weights"] = {"bus": {"ridge": 1.0, "lstm": 0.0}, "rail": {"ridge": 0.5, "gru": 0.5}}
    (note,) = combination_notes({"combinations": {"best_3": facts}})
    assert note.startswith("best_3 = 0.75 ridge + 0.25 gru (mean over 2 series) (weight 0: lstm): weights")
