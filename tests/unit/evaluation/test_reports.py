"""The files of `reports/<task>/`, the leaderboard and the page, from hand-made predictions."""

import csv
import dataclasses
import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.common.files import digest_tree
from strokecast.evaluation import leaderboard, page
from strokecast.evaluation.classify import metrics as classify
from strokecast.evaluation.classify import report as classify_report
from strokecast.evaluation.forecast import report as forecast_report
from strokecast.params import ClassifyEvaluation, ForecastEvaluation


def sketches(folder, given, **changes):
    parts = {**vars(given), **changes}
    return classify_report.write(
        folder,
        parts["found"],
        parts["test"],
        parts["made"],
        parts["classes"],
        parts["source"],
        parts["settings"],
        parts["attended"],
    )


def days(folder, given, **changes):
    parts = {**vars(given), **changes}
    return forecast_report.write(folder, parts["found"], parts["test"], parts["made"], parts["settings"])


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def written(tmp_path_factory, sketched, forecasted):
    """The reports of both tasks, and the line that each stage would end with."""
    folder = tmp_path_factory.mktemp("reports")
    lines = [sketches(folder / "classify", sketched), days(folder / "forecast", forecasted)]
    return folder, lines


@pytest.fixture
def reports(written):
    return written[0]


def test_metrics_are_means_over_seeds_with_the_spread_only_where_there_are_several(reports):
    metrics = json.loads((reports / "classify/metrics.json").read_text())
    assert list(metrics) == ["poor", "good", "twin"]
    each = {k: v["metrics"] for k, v in json.loads((reports / "classify/trainings.json").read_text()).items()}
    first, second = (each[f"id-classify-good-{seed}"]["test/accuracy"] for seed in (1, 2))
    assert first != second
    assert metrics["good"]["accuracy"] == pytest.approx((first + second) / 2, rel=1e-5)
    assert metrics["good"]["accuracy_spread"] == pytest.approx(abs(first - second) / 2**0.5, rel=1e-4)
    assert metrics["good"]["seeds"] == 2
    assert metrics["good"]["train_seconds"] == 15.0
    assert not [key for key in metrics["poor"] if key.endswith("_spread")]


def test_trainings_hold_flat_floats_only(reports):
    for task in ("classify", "forecast"):
        for entry in json.loads((reports / task / "trainings.json").read_text()).values():
            assert all(name.startswith("test/") for name in entry["metrics"])
            assert all(type(value) is float for value in entry["metrics"].values())


def test_the_files_of_each_training(reports):
    classify = {p.name for p in (reports / "classify/models/good/seed-2").iterdir()}
    assert classify == {
        "confusion.csv", "confusion.png", "per_class.csv", "by_length.csv", "calibration.csv", "reliability.png"
    }  # fmt: skip
    forecast = {p.name for p in (reports / "forecast/models/sharp/seed-1").iterdir()}
    assert forecast == {
        "by_day.csv", "by_regime.csv", "by_weekday.csv", "by_holiday.csv", "forecast.csv", "forecast.png"
    }  # fmt: skip


def test_a_class_may_be_named_like_anything(reports):
    table = rows(reports / "classify/models/good/seed-1/confusion.csv")
    assert [row["true \\ predicted"] for row in table] == ["ant", "bed", "true", "the Eiffel tower"]
    assert sum(int(v) for row in table for k, v in row.items() if k != "true \\ predicted") == 400


def test_predictions_of_every_training(reports):
    table = pq.read_table(reports / "classify/predictions.parquet").to_pandas()
    assert len(table) == 4 * 400
    right = (table["label"].astype(str) == table["predicted"].astype(str)).groupby(
        [table["model"].astype(str), table["seed"]]
    )
    metrics = json.loads((reports / "classify/trainings.json").read_text())
    assert right.mean()["good", 2] == pytest.approx(
        metrics["id-classify-good-2"]["metrics"]["test/accuracy"], rel=1e-5
    )
    table = pq.read_table(reports / "forecast/predictions.parquet").to_pandas()
    assert len(table) == 3 * 194 * 7
    offset = table[table["model"] == "offset"]
    assert (offset["forecast"] - offset["actual"]).to_numpy() == pytest.approx(100, abs=0.01)
    assert (offset["hi-80"] - offset["forecast"]).to_numpy() == pytest.approx(6.4, abs=0.02)
    assert (offset["forecast"] - offset["lo-95"]).to_numpy() == pytest.approx(9.8, abs=0.02)


def test_pairs_tell_different_models_apart_and_equal_ones_not(reports, sketched, tmp_path):
    pairs = {(row["a"], row["b"]): row for row in rows(reports / "classify/pairs.csv")}
    assert pairs["poor", "good"]["excludes_zero"] == "true"
    assert float(pairs["poor", "good"]["high"]) < 0
    assert pairs["good", "twin"]["excludes_zero"] == "false"
    pairs = {(row["a"], row["b"]): row for row in rows(reports / "forecast/pairs.csv")}
    assert pairs["sharp", "offset"]["excludes_zero"] == "true"


def test_every_model_is_compared_with_the_baseline_on_the_same_sketches(reports, sketched):
    metrics = json.loads((reports / "classify/metrics.json").read_text())
    pairs = {(row["a"], row["b"]): row for row in rows(reports / "classify/pairs.csv")}
    key = "accuracy_minus_poor"
    assert not [name for name in metrics["poor"] if "minus" in name]
    for name in ("good", "twin"):
        assert metrics[name][key] == pytest.approx(
            metrics[name]["accuracy"] - metrics["poor"]["accuracy"], abs=1e-5
        )
        assert metrics[name][key] == -float(pairs["poor", name]["difference"])
        assert metrics[name][f"{key}_low"] == -float(pairs["poor", name]["high"])
        assert metrics[name][f"{key}_high"] == -float(pairs["poor", name]["low"])
        assert metrics[name][f"{key}_low"] > 0
    each = {k: v["metrics"] for k, v in json.loads((reports / "classify/trainings.json").read_text()).items()}
    single = [each[f"id-classify-good-{seed}"][f"test/{key}"] for seed in (1, 2)]
    assert sum(single) / 2 == pytest.approx(metrics["good"][key], rel=1e-4)
    assert each["id-classify-twin-1"][f"test/{key}_low"] == metrics["twin"][f"{key}_low"]
    assert not [name for name in each["id-classify-poor-1"] if "minus" in name]
    assert not [name for name in metrics["good"] if "minus" in name and "spread" in name]


def test_the_leaderboard_tells_who_is_no_better_than_the_baseline(reports, sketched, tmp_path):
    def board(name):
        sketches(tmp_path / str(name), sketched, settings=ClassifyEvaluation(baseline=name, resamples=100))
        facts = json.loads((tmp_path / str(name) / "summary.json").read_text())
        return leaderboard._BOARDS["classify"](facts)

    poor = leaderboard.read(reports, ("classify",))[0]
    at = poor.header.index("over poor, points")
    assert [row[0] for row in poor.rows if row[at] == "-"] == ["poor"]
    assert poor.rows[0][at].startswith("+4")
    assert "Every other model is better than poor by a paired 95 % interval above 0." in poor.notes
    twin = board("twin").notes[0]
    assert twin.startswith("Not better than twin by a paired 95 % interval above 0: good (+")
    assert ", poor (-4" in twin
    none = board(None)
    assert not [title for title in none.header if title.startswith("over")]
    assert not [note for note in none.notes if "etter than" in note]
    absent = board("logistic")
    assert absent.notes[0] == "No comparison with logistic, which is not among the models judged."
    assert len(absent.header) == len(absent.rows[0]) == len(none.header)


def test_attention_is_drawn_for_each_training_that_has_it(reports, sketched, tmp_path):
    random = np.random.default_rng(1)
    rows = classify.examples(sketched.test)
    assert sketched.test.labels[rows].tolist() == [0, 1, 2, 3]

    def look(row):
        n = int(sketched.test.lengths[row])
        strokes = random.normal(size=(n, 3)).astype(np.float32)
        strokes[:, 2] = np.arange(n) % 5 == 4
        return classify.Attended(row, strokes, random.dirichlet(np.ones(n)).astype(np.float32))

    attended = {("good", seed): [look(row) for row in rows] for seed in (1, 2)}
    sketches(tmp_path / "classify", sketched, attended=attended)
    drawn = {path.relative_to(tmp_path / "classify").as_posix() for path in tmp_path.rglob("attention.*")}
    assert drawn == {
        "models/good/seed-1/attention.png", "models/good/seed-2/attention.png", "figures/attention.svg"
    }  # fmt: skip
    assert not list((reports / "classify").rglob("attention.*"))
    assert len(page.pictures(tmp_path / "classify", "classify")) == 5


def test_same_inputs_same_bytes(reports, sketched, forecasted, tmp_path):
    again = tmp_path / "again"
    sketches(again / "classify", sketched)
    days(again / "forecast", forecasted)
    assert digest_tree(again) == digest_tree(reports)


def test_regimes_are_reported_apart(reports):
    metrics = json.loads((reports / "forecast/metrics.json").read_text())
    assert metrics["offset"]["mae_regime_before"] == metrics["offset"]["mae_regime_after"] == 100
    table = {row["regime"]: row for row in rows(reports / "forecast/models/naive/seed-1/by_regime.csv")}
    whole, before, after = (
        float(table[name]["mae"]) * int(table[name]["forecasts"]) / 7 for name in ("all", "before", "after")
    )
    summary = json.loads((reports / "forecast/summary.json").read_text())
    covered = sum(regime["origins"] for regime in summary["regimes"])
    assert covered <= summary["test"]
    assert before + after < whole or covered == summary["test"]


def test_every_part_of_the_test_days_has_its_figures(reports):
    home = reports / "forecast/models/naive/seed-1"
    each = json.loads((reports / "forecast/trainings.json").read_text())["id-forecast-naive-1"]["metrics"]
    for table, names in (
        ("day", [str(day) for day in range(1, 8)]),
        ("weekday", ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]),
        ("holiday", ["holidays", "other_days"]),
    ):
        lines = rows(home / f"by_{table}.csv")
        assert [line[table] for line in lines] == names
        counts = [int(line["forecasts"]) for line in lines]
        assert sum(counts) == 194 * 7
        mean = sum(float(line["mae"]) * count for line, count in zip(lines, counts, strict=True)) / 194 / 7
        assert mean == pytest.approx(each["test/mae"], rel=1e-4)
        for line in lines:
            assert each[f"test/mae_{table}_{line[table]}"] == pytest.approx(float(line["mae"]), rel=1e-5)
            assert 0 <= float(line["coverage_80"]) <= 1


def test_intervals_are_reported_before_and_after_calibration(reports):
    metrics = json.loads((reports / "forecast/metrics.json").read_text())
    sharp = metrics["sharp"]
    for percent in (50, 80, 95):
        assert sharp[f"coverage_{percent}"] == pytest.approx(percent / 100, abs=0.05)
    assert sharp["width_80"] == pytest.approx(12.8)
    assert sharp["width_80_raw"] == pytest.approx(6)
    assert sharp["coverage_80_raw"] < 0.6
    assert sharp["crps"] < sharp["crps_raw"]
    assert 0.65 * sharp["mae"] < sharp["crps"] < 0.75 * sharp["mae"]  # of a normal distribution 0.71
    assert metrics["offset"]["coverage_95"] == 0
    assert "crps_raw" not in metrics["offset"]
    assert sharp["mae_target_bus"] == pytest.approx(7)
    assert "mae_target_bus" not in metrics["offset"]
    table = rows(reports / "forecast/plots/coverage.csv")
    assert {row["nominal"] for row in table} == {"50", "80", "95"}
    assert float(table[1]["coverage"]) == pytest.approx(100 * sharp["coverage_80"], rel=1e-4)
    lines = {row["model"] for row in rows(reports / "forecast/plots/fan.csv")}
    assert lines == {"actual", "sharp", "lo-80", "hi-80"}


def test_every_forecaster_is_compared_with_the_baseline_at_the_same_origins(reports, forecasted, tmp_path):
    metrics = json.loads((reports / "forecast/metrics.json").read_text())
    key = "mae_minus_naive"
    assert not [name for name in metrics["naive"] if "minus" in name]
    assert metrics["sharp"][key] == pytest.approx(metrics["sharp"]["mae"] - metrics["naive"]["mae"], abs=1e-4)
    assert metrics["sharp"][f"{key}_low"] < metrics["sharp"][key] < metrics["sharp"][f"{key}_high"] < 0
    pairs = {(row["a"], row["b"]): row for row in rows(reports / "forecast/pairs.csv")}
    assert metrics["offset"][f"{key}_low"] == -float(pairs["naive", "offset"]["high"])
    each = json.loads((reports / "forecast/trainings.json").read_text())["id-forecast-sharp-1"]["metrics"]
    assert each[f"test/{key}_high"] == metrics["sharp"][f"{key}_high"]
    board = leaderboard.read(reports, ("forecast",))[0]
    at = board.header.index("MAE against naive")
    assert [row[at] == "-" for row in board.rows] == [False, True, False]
    assert board.rows[0][at].startswith("-4")
    assert any(
        note.startswith("Not better than naive by a paired 95 % interval below 0: offset (+")
        for note in board.notes
    )
    days(tmp_path / "forecast", forecasted, settings=ForecastEvaluation(resamples=100))
    assert "MAE against" not in " ".join(leaderboard.read(tmp_path, ("forecast",))[0].header)


def test_the_leaderboard_tells_of_origins_left_out_and_of_intervals_calibrated_on_too_few(
    reports, forecasted, tmp_path
):
    board = leaderboard.read(reports, ("forecast",))[0]
    assert "from 194 origins, one a day," in board.about
    assert [note for note in board.notes if note.startswith("naive: 15 validation origins are too few")]
    assert "95 % intervals" in next(note for note in board.notes if "too few" in note)
    fewer = dataclasses.replace(forecasted.test, possible=800)
    days(tmp_path / "forecast", forecasted, test=fewer)
    about = leaderboard.read(tmp_path, ("forecast",))[0].about
    assert "from 194 origins evenly spaced out of 800, first forecast day" in about


def test_a_regime_without_a_forecast_is_an_error(tmp_path, forecasted):
    late = {"regimes": [{"name": "later", "first": "2021-01-01", "last": "2021-02-01"}]}
    with pytest.raises(UserError, match=r"regimes\.0: regime 'later'.*allowed: first forecast days from"):
        days(tmp_path / "r", forecasted, settings=ForecastEvaluation.model_validate(late))


def test_the_outcome_in_one_line(written):
    classify, forecast = written[1]
    assert classify.startswith("best good 9")
    assert classify.endswith("of 400 test sketches, 3 models")
    assert forecast.startswith("best sharp MAE 3.9")


def test_leaderboard_order_and_sentences(reports, tmp_path):
    classify, forecast = leaderboard.read(reports, ("classify", "forecast"))
    assert [row[0] for row in classify.rows] == ["good", "twin", "poor"]
    assert [row[0] for row in forecast.rows] == ["sharp", "naive", "offset"]
    assert "One seed: no spread is known." in forecast.notes
    assert any("one seed only: twin, poor" in note for note in classify.notes)
    assert any(note.startswith("poor differs from good: -4") for note in classify.notes)
    assert any(note.startswith("twin cannot be told apart from good") for note in classify.notes)
    assert all(len(row) == len(board.header) for board in (classify, forecast) for row in board.rows)
    assert " ± " in classify.rows[0][1]
    assert "MAE before" in forecast.header
    at = forecast.header.index("in 80 % interval, %")
    assert 75 < float(forecast.rows[0][at]) < 85
    assert forecast.rows[2][at] == "0.0"


def test_leaderboard_files(reports, tmp_path):
    boards = leaderboard.read(reports, ("classify", "forecast"))
    leaderboard.write_csv(tmp_path / "leaderboard.csv", boards)
    table = rows(tmp_path / "leaderboard.csv")
    assert [(row["task"], row["rank"], row["model"]) for row in table][:2] == [
        ("classify", "1", "good"),
        ("classify", "2", "twin"),
    ]
    assert table[0]["training_ids"] == "id-classify-good-1 id-classify-good-2"
    assert table[0]["mae"] == ""
    assert float(table[-1]["mae"]) == pytest.approx(100)
    leaderboard.write_markdown(tmp_path / "leaderboard.md", boards, ["Drawings by people (CC BY 4.0)."])
    text = (tmp_path / "leaderboard.md").read_text()
    assert text.index("| good") < text.index("| poor") < text.index("## forecast")
    assert text.rstrip().endswith("- Drawings by people (CC BY 4.0).")


def test_the_page_stands_alone_and_is_escaped(reports, tmp_path):
    boards = leaderboard.read(reports, ("classify", "forecast"))
    page.write(tmp_path / "index.html", reports, boards, ["<b>data</b>"])
    page.write(tmp_path / "again.html", reports, boards, ["<b>data</b>"])
    text = (tmp_path / "index.html").read_text()
    assert text == (tmp_path / "again.html").read_text()
    assert "&lt;b&gt;data" in text
    assert text.count("data:image/svg+xml;base64,") == 10
    assert "http" not in text
    assert "<script" not in text


def test_a_task_that_was_not_evaluated_is_named(reports, tmp_path):
    shutil.copytree(reports / "classify", tmp_path / "classify")
    with pytest.raises(UserError, match="dvc repro evaluate@forecast"):
        leaderboard.read(tmp_path, ("classify", "forecast"))


def test_attributions_name_sources_that_ask_for_it(tmp_path):
    for name, text, licence in (("sketches", "Quick, Draw! by Google", "CC BY 4.0"), ("series", "", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "source.json").write_text(json.dumps({"attribution": text, "licence": licence}))
    assert leaderboard.attributions(tmp_path, ("sketches", "series")) == [
        "Quick, Draw! by Google. Licence: CC BY 4.0."
    ]


def test_figures_are_ranked_before_they_are_rounded(forecasted):
    """6 digits are written: these two are equal there, and the later one is better."""
    from strokecast.evaluation.common import summary

    found = forecasted.found
    names = found.names
    figures = {
        (t.name, t.seed): {"mae": 1.00000002 if t.name == names[0] else 1.00000001} for t in found.trainings
    }
    values = {name: np.full(8, 1.0) for name in names}
    ranked, _ = summary.standings(found, figures, values, "mae", False, 10, 0.95, 1)
    assert ranked[-1].name == names[0]
    assert ranked[0].name == names[1]
    assert ranked[0].row("mae")["mae"] == ranked[-1].row("mae")["mae"]
