"""The files of `reports/classify/`, from hand-made predictions."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from strokecast.common import figures
from strokecast.common.files import digest_tree
from strokecast.evaluation.classify.sketches import SketchAttention, median_examples


def test_metrics_are_means_over_seeds_with_a_spread_only_for_several_seeds(reports):
    metrics = json.loads((reports / "classify/metrics.json").read_text())
    assert list(metrics) == ["poor", "good", "twin"]
    trainings = json.loads((reports / "classify/trainings.json").read_text())
    first, second = (trainings[f"id-classify-good-{seed}"]["metrics"]["test/accuracy"] for seed in (1, 2))
    assert first != second
    assert metrics["good"]["accuracy"] == pytest.approx((first + second) / 2, rel=1e-5)
    assert metrics["good"]["accuracy_spread"] == pytest.approx(abs(first - second) / 2**0.5, rel=1e-4)
    assert metrics["good"]["seeds"] == 2
    assert metrics["good"]["train_seconds"] == 15.0
    assert not [key for key in metrics["poor"] if key.endswith("_spread")]


def test_each_training_has_its_files(reports):
    assert {path.name for path in (reports / "classify/models/good/seed-2").iterdir()} == {
        "confusion.csv", "confusion.png", "per_class.csv", "by_length.csv", "calibration.csv", "reliability.png",
        "metrics.json",
    }  # fmt: skip


def test_a_class_may_have_any_name(reports, read_csv):
    table = read_csv(reports / "classify/models/good/seed-1/confusion.csv")
    assert [row["true \\ predicted"] for row in table] == ["ant", "bed", "true", "the Eiffel tower"]
    assert sum(int(v) for row in table for k, v in row.items() if k != "true \\ predicted") == 400


def test_predictions_of_every_training_are_stored(reports):
    table = pq.read_table(reports / "classify/predictions.parquet").to_pandas()
    assert len(table) == 4 * 400
    correct = (table["label"].astype(str) == table["predicted"].astype(str)).groupby(
        [table["model"].astype(str), table["seed"]]
    )
    metrics = json.loads((reports / "classify/trainings.json").read_text())
    assert correct.mean()["good", 2] == pytest.approx(
        metrics["id-classify-good-2"]["metrics"]["test/accuracy"], rel=1e-5
    )


def test_every_model_is_compared_with_the_baseline_on_the_same_sketches(reports, read_csv):
    metrics = json.loads((reports / "classify/metrics.json").read_text())
    pairs = {(row["a"], row["b"]): row for row in read_csv(reports / "classify/pairs.csv")}
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
    trainings = {
        k: v["metrics"] for k, v in json.loads((reports / "classify/trainings.json").read_text()).items()
    }
    per_seed = [trainings[f"id-classify-good-{seed}"][f"test/{key}"] for seed in (1, 2)]
    assert sum(per_seed) / 2 == pytest.approx(metrics["good"][key], rel=1e-4)
    assert trainings["id-classify-twin-1"][f"test/{key}_low"] == metrics["twin"][f"{key}_low"]
    assert not [name for name in trainings["id-classify-poor-1"] if "minus" in name]
    assert not [name for name in metrics["good"] if "minus" in name and "spread" in name]


@pytest.mark.slow
def test_attention_is_plotted_for_each_training_that_has_it(
    reports, classify_inputs, write_reports, tmp_path, monkeypatch
):
    save = figures.save

    def save_attention_only(figure, path):
        if path.stem == "attention":
            save(figure, path)

    monkeypatch.setattr(figures, "save", save_attention_only)
    random = np.random.default_rng(1)
    rows = median_examples(classify_inputs.test)
    assert classify_inputs.test.labels[rows].tolist() == [0, 1, 2, 3]

    def example(row):
        n = int(classify_inputs.test.lengths[row])
        strokes = random.normal(size=(n, 3)).astype(np.float32)
        strokes[:, 2] = np.arange(n) % 5 == 4
        return SketchAttention(row, strokes, random.dirichlet(np.ones(n)).astype(np.float32))

    attention = {("good", seed): [example(row) for row in rows] for seed in (1, 2)}
    write_reports(tmp_path, {"attention": attention, "attribution": "Drawings by people."})
    paths = {path.relative_to(tmp_path / "classify").as_posix() for path in tmp_path.rglob("attention.*")}
    assert paths == {
        "models/good/seed-1/attention.png", "models/good/seed-2/attention.png", "figures/attention.svg"
    }  # fmt: skip
    assert "Drawings by people." in (tmp_path / "classify/figures/attention.svg").read_text()
    assert not list((reports / "classify").rglob("attention.*"))


@pytest.mark.slow
def test_the_same_inputs_give_the_same_bytes(reports, write_reports, tmp_path):
    write_reports(tmp_path, {})
    assert digest_tree(tmp_path / "classify") == digest_tree(reports / "classify")


def test_the_outcome_is_one_line(written_reports):
    outcome = written_reports[1][0]
    assert outcome.startswith("best good 9")
    assert outcome.endswith("of 400 test sketches, 3 models")
