"""The files of `reports/draw/`, its leaderboard table and its part of the page."""

import json

import pytest

from strokecast.common.files import digest_tree
from strokecast.evaluation.board import leaderboard, page


@pytest.mark.usefixtures("without_figures")
def test_the_report_ranks_by_the_share_that_the_judge_recognises(tmp_path, write_draw_report, monkeypatch):
    monkeypatch.setattr("shutil.copyfile", lambda source, target: None)
    outcome = write_draw_report(tmp_path / "draw")
    assert outcome.startswith("best good 92.5 % (")
    assert outcome.endswith("recognised by gru, real drawings 93.3 %, 3 models")
    summary = json.loads((tmp_path / "draw/summary.json").read_text())
    good, poor, free = summary["models"]
    assert [model["model"] for model in summary["models"]] == ["good", "poor", "free"]
    assert good["recognised"] == pytest.approx(0.925)
    assert good["recognised_low"] < good["recognised"] < good["recognised_high"]
    assert [free[key] for key in ("recognised", "recognised_low", "recognised_high")] == [None] * 3
    assert (poor["to_best"]["differs"], free["to_best"]) == (True, None)
    assert free["nll"] == pytest.approx(0.6)
    assert summary["judge"] == "gru"
    assert summary["real_recognised"] == pytest.approx(14 / 15, rel=1e-5)
    assert summary["real_low"] <= summary["real_recognised"] <= summary["real_high"]
    metrics = json.loads((tmp_path / "draw/metrics.json").read_text())
    assert "recognised" not in metrics["free"]
    assert metrics["good"]["reconstruction"] == metrics["good"]["valid_reconstruction"] == 2.5
    assert metrics["good"]["recognised_spread"] > 0
    trainings = json.loads((tmp_path / "draw/trainings.json").read_text())
    assert trainings["id-draw-good-2"]["metrics"]["test/recognised"] == pytest.approx(0.9)


@pytest.mark.slow
def test_each_training_has_its_files_and_the_same_inputs_give_the_same_bytes(
    tmp_path, write_draw_report, read_csv
):
    for name in ("draw", "again"):
        write_draw_report(tmp_path / name)
    assert digest_tree(tmp_path / "draw") == digest_tree(tmp_path / "again")
    models = tmp_path / "draw/models"
    assert {path.name for path in (models / "good/seed-2").iterdir()} == {
        "samples.png",
        "samples.svg",
        "per_class.csv",
        "judge_predictions.csv",
        "metrics.json",
    }
    assert {path.name for path in (models / "free/seed-1").iterdir()} == {
        "samples.png",
        "samples.svg",
        "metrics.json",
    }
    for path in (models / "free/seed-1/samples.svg", tmp_path / "draw/figures/samples-free.svg"):
        assert "Drawings by people." in path.read_text()
    table = read_csv(models / "poor/seed-1/per_class.csv")
    assert [(row["name"], float(row["recognised"])) for row in table] == [
        ("ant", 0),
        ("bed", 1),
        ("the Eiffel tower", 1),
    ]
    assert [row["real_recognised"] for row in table] == ["0.8", "1", "1"]
    assert len(read_csv(models / "poor/seed-1/judge_predictions.csv")) == 60
    assert [row["model"] for row in read_csv(tmp_path / "draw/plots/models.csv")] == [
        "good",
        "poor",
        "real drawings",
    ]


def test_the_leaderboard_and_the_page(tmp_path, write_draw_report, read_csv):
    write_draw_report(tmp_path / "draw")
    (table,) = leaderboard.read_tables(tmp_path, ("draw",))
    assert all(len(row) == len(table.header) for row in table.rows)
    good, poor, free = table.rows
    assert good[0] == "good"
    assert good[1].startswith("92.5 ± ")
    assert (poor[1].partition(" ")[0], poor[2], free[1:3]) == ("66.7", "93.3", ["-", "-"])
    assert free[3:6] == ["0.600", "0.100", "0.500"]
    assert "Unconditional, so not judged: free." in table.notes
    better = "good is significantly better than every other model with this metric (paired 95 % interval)."
    assert better in table.notes
    assert "gru" in table.about
    leaderboard.write_csv(tmp_path / "leaderboard.csv", [table])
    rows = read_csv(tmp_path / "leaderboard.csv")
    assert [row["recognised"] for row in rows] == ["0.925", "0.666667", ""]
    page.write_page(tmp_path / "index.html", tmp_path, [table], ["Drawings by people."])
    assert "Drawings by people." in (tmp_path / "index.html").read_text()


def test_only_unconditional_models(tmp_path, draw_inputs, write_draw_report):
    free = type(draw_inputs.trained_models)([draw_inputs.trained_models.finished[0]], [], [])
    outcome = write_draw_report(
        tmp_path / "draw",
        trained_models=free,
        real_predicted=["ant"] * 15,
        results={("free", 1): draw_inputs.results["free", 1]},
    )
    assert outcome == "best free 0.600 nats per step; every model is unconditional, 1 model"
    assert leaderboard.read_tables(tmp_path, ("draw",))[0].rows[0][1] == "-"
