"""benchmarks/book.py: its presets have the book's networks, recipes and split; the table comes from the trainings."""

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from strokecast import params
from strokecast.common.files import read_json
from strokecast.common.paths import model_dir
from strokecast.features.timeseries import forecast
from strokecast.models.common import registry, resolve
from strokecast.training import run
from strokecast.training.job import TrainingJob

ROOT = Path(__file__).resolve().parents[3]
NETWORKS = [  # preset, model, learning rate, number of trainable weights of the book's network
    ("book", "linear", 0.02, 56 + 1),
    ("book", "simple_rnn", 0.05, 32 * (1 + 32 + 1) + 33),
    ("book", "deep_rnn", 0.01, 32 * (1 + 32 + 1) + 2 * 32 * (32 + 32 + 1) + 33),
    ("book_multivariate", "simple_rnn", 0.05, 32 * (5 + 32 + 1) + 33),
    ("book_multitask", "simple_rnn", 0.02, 32 * (5 + 32 + 1) + 2 * 33),
]
FIRST_DAY = np.datetime64("2018-09-01")


@pytest.fixture(scope="module")
def book(import_benchmark: Callable[[str], Any]) -> Any:
    return import_benchmark("book")


def read_settings(book: Any, preset: str, seeds: int | None = None) -> params.Params:
    """The settings of a preset, written to YAML and read as the stage `params` reads them."""
    import project

    text = project.to_yaml(book.settings(preset, seeds=seeds))
    return resolve.resolve(params.parse(YAML(typ="safe", pure=True).load(text)))


def preprocess(folder: Path, settings: params.Params) -> dict[str, Any]:
    """Preprocess 340 days of weekly boardings without a break."""
    folder.mkdir(parents=True)
    days = [FIRST_DAY.item() + datetime.timedelta(days=n) for n in range(340)]
    random = np.random.default_rng(1)
    letters = ["U" if day.weekday() == 6 else "A" if day.weekday() == 5 else "W" for day in days]
    level = np.where(np.array(letters) == "W", 700_000.0, 400_000.0)
    table = {"ds": pa.array(days, pa.date32()), "day_type": letters}
    table |= {name: level * share + random.normal(0, 2e4, 340) for name, share in (("y", 1), ("bus", 1.1))}
    pq.write_table(pa.table(table), folder / "series.parquet")
    (folder / "report.json").write_text(json.dumps({"source": "cta", "unit": "boardings"}))
    return dict(forecast.preprocess(folder, folder.parent / "processed/forecast", settings.features.forecast))


def test_presets_and_table_have_each_network_of_the_notebook(book: Any) -> None:
    trained = [
        (preset, name) for preset in book.PRESETS for name in book.settings(preset)["models"]["forecast"]
    ]
    assert sorted(trained) == sorted((preset, name) for preset, name, _, _ in NETWORKS)
    assert {(figure.preset, figure.model) for figure in book.NOTEBOOK} == set(trained)
    assert [figure.mae for figure in book.NOTEBOOK] == [37866, 29015, 31211, 22062, 26369, 25330]


def test_settings_take_a_local_export_and_a_number_of_seeds(book: Any) -> None:
    settings = params.parse(book.settings("book", Path("boardings.csv"), seeds=2))
    assert settings.series.cta.files == ("boardings.csv",)
    assert all(entry.seeds == (1, 2) for entry in settings.entries("forecast").values())


@pytest.mark.parametrize(("preset", "name", "learning_rate", "weights"), NETWORKS)
def test_recipe_and_network_are_the_books(
    book: Any, tmp_path: Path, preset: str, name: str, learning_rate: float, weights: int
) -> None:
    settings = read_settings(book, preset)
    recipe, entry = settings.recipe("forecast", name), settings.entries("forecast")[name]
    assert (recipe.optimizer, recipe.momentum, recipe.learning_rate) == ("sgd", 0.9, learning_rate)
    assert (recipe.loss, recipe.monitor, recipe.patience) == ("huber", "mae", 50)
    assert (recipe.epochs, recipe.batch_size, recipe.schedule) == (500, 32, "constant")
    assert (recipe.global_clipnorm, recipe.clipvalue, recipe.weight_averaging) == (None, None, "none")
    assert len(entry.seeds) == 3
    spec = preprocess(tmp_path / "validated", settings)
    assert (spec["input_size"], spec["horizon"], spec["targets"][0]) == (56, 1, "y")
    assert spec["splits"]["valid"] == {"first": "2019-02-26", "last": "2019-05-31", "days": 95, "windows": 95}
    assert spec["splits"]["train"]["windows"] == (np.datetime64("2019-01-01") - FIRST_DAY).astype(int) - 56
    assert all((scaling["mean"], scaling["std"]) == (0.0, 1e6) for scaling in spec["transforms"].values())
    model = registry.get("forecast", name).build(registry.config("forecast", name, entry.config), spec)
    assert model.count_params() == weights
    assert model.output_shape == (None, 1, len(spec["targets"]))


@pytest.mark.slow
def test_the_table_comes_from_the_trainings(book: Any, tmp_path: Path) -> None:
    settings, project_dir = read_settings(book, "book_multitask", seeds=2), tmp_path / "book_multitask"
    preprocess(project_dir / "data/validated", settings)
    recipe = settings.recipe("forecast", "simple_rnn").model_copy(update={"epochs": 3, "batch_size": 16})
    config = settings.entries("forecast")["simple_rnn"].config
    for seed in (1, 2):
        folder = model_dir("forecast", "simple_rnn", seed, project_dir / "models")
        folder.mkdir(parents=True)
        job = TrainingJob.create("forecast", "simple_rnn", seed, config, recipe)
        facts = run.train_network(job, project_dir / "data/processed/forecast", folder, lambda row: None)
        (folder / "run.json").write_text(json.dumps(facts))
    (project_dir / "reports/forecast").mkdir(parents=True)
    metrics = {
        "mae": 51234.4,
        "mae_spread": 321.0,
        "mae_target_bus": 9876.0,
        "mae_regime_before_break": 4321.0,
    }
    (project_dir / "reports/forecast/metrics.json").write_text(json.dumps({"simple_rnn": metrics}))

    figures = [figure for figure in book.NOTEBOOK if figure.preset == "book_multitask"]
    bus, rail = (row.split(" | ") for row in book.report(tmp_path, figures).splitlines()[2:4])
    assert [bus[0], bus[1], bus[4], bus[5]] == ["| multitask, bus", "26,369", "9,876", "-"]
    assert [rail[0], rail[1], rail[4], rail[5]] == ["| multitask, rail", "25,330", "51,234 ± 321", "4,321"]

    errors = book.validation_mae(project_dir, "simple_rnn")
    mean = np.mean([by_target["y"] for by_target in errors])
    assert rail[2].split(" ± ")[0] == f"{mean:,.0f}"
    assert rail[3] == f"{mean / 25330:.2f}"
    # Early stopping monitors the mean over both targets.
    best = read_json(project_dir / "models/forecast/simple_rnn/seed-1/run.json")["best_epoch"]
    history = (project_dir / "models/forecast/simple_rnn/seed-1/history.csv").read_text().splitlines()
    column = history[0].split(",").index("valid_loss")
    assert np.mean([*errors[0].values()]) == pytest.approx(
        1e6 * float(history[best].split(",")[column]), rel=1e-4
    )
