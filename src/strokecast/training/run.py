"""One training from processed data to a model folder. A rule needs no TensorFlow, and imports none."""

from __future__ import annotations

import csv
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from strokecast.errors import UserError
from strokecast.features import spec as specs
from strokecast.files import new_file, write_json
from strokecast.models import registry
from strokecast.models.config import Config
from strokecast.params import Recipe
from strokecast.stage import start_tensorflow

OnEpoch = Callable[[Mapping[str, float | int]], None]

COLUMNS = ("epoch", "step", "timestamp_ms", "seconds", "learning_rate", "train_loss", "valid_loss")
ACCURACIES = ("train_accuracy", "valid_accuracy")
_VALID_BATCH = {"classify": 256, "forecast": 1024}


def columns(task: str) -> tuple[str, ...]:
    """The columns of `history.csv`."""
    return COLUMNS + (ACCURACIES if task == "classify" else ())


def train_network(
    task: str,
    name: str,
    entry_config: Mapping[str, Any],
    recipe: Recipe,
    seed: int,
    processed: Path,
    folder: Path,
    on_epoch: OnEpoch,
    device: str,
) -> dict[str, Any]:
    """Train one network and write model.keras, history.csv, config.json and spec.json to `folder`.

    Opens the files of the train and valid splits, never those of test.

    Args:
        task: `classify` or `forecast`.
        name: the architecture.
        entry_config: the `config:` of its entry in params.yaml.
        recipe: how it is trained.
        seed: of weights, dropout and batch order.
        processed: `data/processed/<task>`.
        folder: an existing folder; the caller makes it whole or not at all.
        on_epoch: called with each row of the history as it comes.
        device: `auto`, `cpu` or `gpu`.

    Returns:
        What run.json tells of it: kind, parameters, train_seconds, best_epoch,
        examples_per_second, device.

    Raises:
        UserError: on a bad config, a missing GPU, a loss that is no finite number.
    """
    start_tensorflow()
    import keras
    import tensorflow as tf

    from strokecast.features import reading
    from strokecast.training import augment, data, devices, loop, objectives, optimizers, step

    spec = specs.load(processed, task)
    config = registry.config(task, name, entry_config)
    place = devices.choose(device)
    keras.utils.set_random_seed(seed)
    with tf.device(place.name):
        model = registry.get(task, name).build(config, spec)
        objective = objectives.make(task, recipe, model.output_shape[-1])
        steps = step.make(model, optimizers.make(recipe), objective, recipe.clip_norm)
        groups = reading.groups(processed, spec, "train")
        feed = data.feed(groups, recipe.batch_size, seed, recipe.epochs, augment=augment.make(task, recipe))
        valid = reading.batches(processed, spec, "valid", _VALID_BATCH[task])
        result = loop.fit(
            model,
            steps,
            feed,
            valid,
            recipe,
            where=f"models.{task}.{name}",
            counts_hits=objective.hits is not None,
            on_epoch=on_epoch,
        )
    with new_file(folder / "model.keras") as temporary:
        whole = temporary.with_suffix(".keras")  # Keras goes by the ending
        model.save(whole)
        whole.replace(temporary)
    _write_history(folder, columns(task), result.rows)
    _write_facts(folder, task, name, seed, config, recipe, processed)
    return {
        "kind": "network",
        "parameters": int(model.count_params()),
        "train_seconds": round(result.train_seconds, 3),
        "best_epoch": result.best_epoch,
        "examples_per_second": round(result.examples_per_second, 1),
        "device": place.kind,
    }


def fit_rule(
    task: str, name: str, entry_config: Mapping[str, Any], seed: int, processed: Path, folder: Path
) -> dict[str, Any]:
    """Write a rule's model.json, history.csv (its header), config.json and spec.json to `folder`.

    Returns:
        What run.json tells of it, as `train_network` does.

    Raises:
        UserError: on a bad config, or if train and valid together are too short for the rule.
    """
    spec = specs.load(processed, task)
    config = registry.config(task, name, entry_config)
    rule = registry.get(task, name).build(config, spec)
    speed = _rule_speed(rule, spec, processed, f"models.{task}.{name}")
    stored = {
        "task": task,
        "name": name,
        "config": config.model_dump(mode="json"),
        "min_history": rule.min_history,
    }
    write_json(folder / "model.json", stored)
    _write_history(folder, columns(task), ())
    _write_facts(folder, task, name, seed, config, None, processed)
    return {
        "kind": "rule",
        "parameters": 0,
        "train_seconds": 0.0,
        "best_epoch": None,
        "examples_per_second": round(speed, 1),
        "device": "cpu",
    }


def _rule_speed(rule: Any, spec: Mapping[str, Any], processed: Path, where: str) -> float:
    """Forecasts a second over the validation origins, after a warm-up pass."""
    import numpy as np
    import pyarrow.parquet as pq

    past, new = (
        pq.read_table(processed / split / "series.parquet", columns=["y"])["y"].to_numpy()
        for split in ("train", "valid")
    )
    series, horizon = np.concatenate([past, new]), int(spec["horizon"])
    if len(series) < rule.min_history:
        raise UserError(
            f"the days before the test split number {len(series)}, the rule needs {rule.min_history}",
            where=where,
            fix="give a longer series, or switch the model off (enabled: false)",
        )
    origins = range(max(len(past), rule.min_history), len(series) - horizon + 1) or [len(series)]
    seconds = 0.0
    for _ in range(2):
        started = time.perf_counter()
        for origin in origins:
            rule.predict(series[:origin], horizon)
        seconds = time.perf_counter() - started
    return len(origins) / seconds


def _write_history(folder: Path, names: tuple[str, ...], rows: tuple[Mapping[str, float | int], ...]) -> None:
    with (
        new_file(folder / "history.csv") as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _write_facts(
    folder: Path, task: str, name: str, seed: int, config: Config, recipe: Recipe | None, processed: Path
) -> None:
    told = {
        "task": task,
        "name": name,
        "seed": seed,
        "config": config.model_dump(mode="json"),
        "training": recipe.model_dump(mode="json") if recipe else None,
    }
    write_json(folder / "config.json", told)
    shutil.copyfile(processed / "spec.json", folder / "spec.json")
