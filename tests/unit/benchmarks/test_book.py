"""benchmarks/book.py: its preset is params that hold, its networks are the book's, and it trains and tells."""

import datetime
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast import params
from strokecast.commands import params as schema
from strokecast.common.files import read_json
from strokecast.common.paths import model_dir
from strokecast.features.timeseries import forecast
from strokecast.models.common import registry
from strokecast.training import run
from strokecast.training.job import TrainingJob

ROOT = Path(__file__).resolve().parents[3]
NETWORKS = [  # inputs, model, learning rate, trainable numbers of the book's network
    ("univariate", "linear", 0.02, 56 + 1),
    ("univariate", "simple_rnn", 0.05, 32 * (1 + 32 + 1) + 33),
    ("univariate", "deep_rnn", 0.01, 32 * (1 + 32 + 1) + 2 * 32 * (32 + 32 + 1) + 33),
    ("multivariate", "simple_rnn", 0.05, 32 * (5 + 32 + 1) + 33),
    ("multitask", "simple_rnn", 0.02, 32 * (5 + 32 + 1) + 2 * 33),
]


FIRST = np.datetime64("2018-09-01")


@pytest.fixture(scope="module")
def book() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))  # as for a script that is run there
        yield loaded()


def loaded() -> Any:
    spec = importlib.util.spec_from_file_location("book", ROOT / "benchmarks/book.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def chosen(book: Any, inputs: str, **more: Any) -> params.Params:
    """The params of `inputs`, through YAML as a stage reads them."""
    from ruamel.yaml import YAML

    text = book.dump(book.settings(book.read(book.PRESET), inputs, **more))
    settings = params.parse(YAML(typ="safe", pure=True).load(text))
    schema.check(settings)
    return settings


def processed(folder: Path, settings: params.Params) -> dict[str, Any]:
    """Weeks of boardings with COVID's break left out, through preprocessing."""
    folder.mkdir(parents=True)
    days = [FIRST.item() + datetime.timedelta(days=n) for n in range(340)]
    random = np.random.default_rng(1)
    letters = ["U" if day.weekday() == 6 else "A" if day.weekday() == 5 else "W" for day in days]
    level = np.where(np.array(letters) == "W", 700_000.0, 400_000.0)
    table = {"ds": pa.array(days, pa.date32()), "day_type": letters}
    table |= {name: level * share + random.normal(0, 2e4, 340) for name, share in (("y", 1), ("bus", 1.1))}
    pq.write_table(pa.table(table), folder / "series.parquet")
    (folder / "report.json").write_text(json.dumps({"source": "cta", "unit": "boardings"}))
    return forecast.preprocess(folder, folder.parent / "processed/forecast", settings.features.forecast)


def test_the_preset_names_each_network_once_and_all_that_the_table_needs(book: Any) -> None:
    preset = book.read(book.PRESET)
    told = [
        (inputs, name)
        for inputs in preset["inputs"]
        for name in book.settings(preset, inputs)["models"]["forecast"]
    ]
    assert told == [(inputs, name) for inputs, name, _, _ in NETWORKS]
    assert {(line["inputs"], line["model"]) for line in preset["notebook"]} == set(told)
    assert [line["mae"] for line in preset["notebook"]] == [37866, 29015, 31211, 22062, 26369, 25330]


@pytest.mark.parametrize(("inputs", "name", "rate", "numbers"), NETWORKS)
def test_recipe_and_network_are_the_books(
    book: Any, tmp_path: Path, inputs: str, name: str, rate: float, numbers: int
) -> None:
    settings = chosen(book, inputs)
    recipe, entry = settings.recipe("forecast", name), settings.entries("forecast")[name]
    assert (recipe.optimizer, recipe.momentum, recipe.learning_rate) == ("sgd", 0.9, rate)
    assert (recipe.loss, recipe.monitor, recipe.patience) == ("huber", "mae", 50)
    assert (recipe.epochs, recipe.batch_size, recipe.schedule) == (500, 32, "constant")
    assert (recipe.global_clipnorm, recipe.clipvalue, recipe.weight_averaging) == (None, None, "none")
    assert len(entry.seeds) == 3
    spec = processed(tmp_path / "validated", settings)
    assert (spec["input_size"], spec["horizon"], spec["targets"][0]) == (56, 1, "y")
    assert spec["splits"]["valid"] == {"first": "2019-02-26", "last": "2019-05-31", "days": 95, "windows": 95}
    assert spec["splits"]["train"]["windows"] == (np.datetime64("2019-01-01") - FIRST).astype(int) - 56
    assert all((told["mean"], told["std"]) == (0.0, 1e6) for told in spec["transforms"].values())
    model = registry.get("forecast", name).build(registry.config("forecast", name, entry.config), spec)
    assert model.count_params() == numbers
    assert model.output_shape == (None, 1, len(spec["targets"]))


def test_the_table_comes_from_what_was_trained(book: Any, tmp_path: Path) -> None:
    settings, home = chosen(book, "multitask", seeds=2), tmp_path / "multitask"
    processed(home / "data/validated", settings)
    recipe = settings.recipe("forecast", "simple_rnn").model_copy(update={"epochs": 8, "batch_size": 8})
    config = settings.entries("forecast")["simple_rnn"].config
    for seed in (1, 2):
        folder = model_dir("forecast", "simple_rnn", seed, home / "models")
        folder.mkdir(parents=True)
        job = TrainingJob.create("forecast", "simple_rnn", seed, config, recipe)
        facts = run.train_network(
            job, home / "data/processed/forecast", folder, lambda row: None, "cpu"
        )
        (folder / "run.json").write_text(json.dumps(facts))
    (home / "reports/forecast").mkdir(parents=True)
    figures = {
        "mae": 51234.4,
        "mae_spread": 321.0,
        "mae_target_bus": 9876.0,
        "mae_regime_before_break": 4321.0,
    }
    (home / "reports/forecast/metrics.json").write_text(json.dumps({"simple_rnn": figures}))

    preset = book.read(book.PRESET)
    preset["notebook"] = [line for line in preset["notebook"] if line["inputs"] == "multitask"]
    bus, rail = (row.split(" | ") for row in book.report(tmp_path, preset).splitlines()[2:4])
    assert [bus[0], bus[1], bus[4], bus[5]] == ["| multitask, bus", "26,369", "9,876", "-"]
    assert [rail[0], rail[1], rail[4], rail[5]] == ["| multitask, rail", "25,330", "51,234 ± 321", "4,321"]

    seen = book.on_validation(home, "simple_rnn")
    mean = np.mean([each["y"] for each in seen])
    assert rail[2].split(" ± ")[0] == f"{mean:,.0f}"
    assert rail[3] == f"{mean / 25330:.2f}"
    # the mean over both targets is what early stopping went by
    best = read_json(home / "models/forecast/simple_rnn/seed-1/run.json")["best_epoch"]
    history = (home / "models/forecast/simple_rnn/seed-1/history.csv").read_text().splitlines()
    column = history[0].split(",").index("valid_loss")
    assert np.mean([*seen[0].values()]) == pytest.approx(
        1e6 * float(history[best].split(",")[column]), rel=1e-4
    )


def test_only_the_forecasters_are_replaced(book: Any) -> None:
    base = {
        "models": {"classify": {"gru": 1}, "forecast": {"ridge": {"seeds": [1]}}},
        "series": {"a": 1, "b": [1]},
    }
    over = {"models": {"forecast": {"linear": {"seeds": [2]}}}, "series": {"b": [2]}}
    made = book.laid_over(base, over)
    assert made["models"] == {"classify": {"gru": 1}, "forecast": {"linear": {"seeds": [2]}}}
    assert made["series"] == {"a": 1, "b": [2]}
    assert base["series"] == {"a": 1, "b": [1]}
