"""One training from processed data to a model folder. What is no network imports no TensorFlow."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from strokecast.common.files import new_file, write_json
from strokecast.common.paths import PROCESSED
from strokecast.common.stage import start_tensorflow
from strokecast.features.records import spec as specs
from strokecast.models.common import registry
from strokecast.models.common.config import Config
from strokecast.params import ForecastRecipe, Recipe, Training
from strokecast.training import guards

OnEpoch = Callable[[Mapping[str, float | int]], None]

COLUMNS = ("epoch", "step", "timestamp_ms", "seconds", "learning_rate", "train_loss", "valid_loss")
ACCURACIES = ("train_accuracy", "valid_accuracy")
BEFORE = "history_before.csv"  # of the network that is trained before an architecture's own
_VALID_BATCH = {"classify": 256, "watch": 128, "draw": 256, "forecast": 1024}


def columns(task: str) -> tuple[str, ...]:
    """The columns of `history.csv`."""
    return COLUMNS + (ACCURACIES if task in ("classify", "watch") else ())


def train(
    task: str,
    name: str,
    entry_config: Mapping[str, Any],
    recipe: Recipe,
    seed: int,
    folder: Path,
    general: Training,
    on_epoch: OnEpoch,
    record: Path | None,
    processed: Path | None = None,
) -> dict[str, Any]:
    """Train a network, fit an estimator or write a rule, from the processed data of its task.

    Args and what is returned and raised: as `train_network`, `fit_estimator` and `fit_rule`; `general`
    is the section `training` of params.yaml, `processed` is `data/processed/<task>` if None.
    """
    processed, kind = processed or PROCESSED / task, registry.get(task, name).kind
    if kind == "rule":
        most = recipe.calibration_origins if isinstance(recipe, ForecastRecipe) else None
        return fit_rule(task, name, entry_config, seed, processed, folder, most)
    if kind == "estimator":
        return fit_estimator(task, name, entry_config, seed, processed, folder)
    return train_network(
        task,
        name,
        entry_config,
        recipe,
        seed,
        processed,
        folder,
        on_epoch,
        general.device,
        threads=general.threads,
        record=record,
    )


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
    *,
    threads: int | None = None,
    record: Path | None = None,
) -> dict[str, Any]:
    """Train one network and write model.keras, history.csv, config.json and spec.json to `folder`.

    Of the task forecast also calibration.json (`training/calibration.py`).

    An architecture with a network to be trained before it (`registry.Before`) goes through two phases of
    one loop where the recipe has `pretrain_epochs`: the first network's history goes to
    history_before.csv, its weights are carried over, then the own network is trained as any other. A
    first phase that ended before a kill is not trained again.

    Opens the files of the train and valid splits, never those of test.

    Args:
        task: of `strokecast.params.TASKS`.
        name: the architecture.
        entry_config: the `config:` of its entry in params.yaml.
        recipe: how it is trained.
        seed: of weights, dropout and batch order.
        processed: `data/processed/<task>`.
        folder: an existing folder; the caller makes it whole or not at all.
        on_epoch: called with each row of the history as it comes.
        device: `auto`, `cpu` or `gpu`.
        threads: that TensorFlow computes with; None: its own choice.
        record: this training's own folder for checkpoints, to go on from after a kill; None: none
            are written.

    Returns:
        What run.json tells of it: kind, parameters, train_seconds, best_epoch,
        examples_per_second, device.

    Raises:
        UserError: on a bad config or a missing GPU.
        TrainingError: on a loss or gradient that is no finite number, and where memory runs out.
        Interrupted: on SIGINT and SIGTERM, after a checkpoint.
        OSError: ENOSPC on a full disk.
    """
    start_tensorflow()
    import tensorflow as tf

    from strokecast.training import devices, phase

    spec = specs.load(processed, task)
    config = registry.config(task, name, entry_config)
    architecture, where = registry.get(task, name), f"models.{task}.{name}"
    first_recipe = phase.first_recipe(recipe, architecture.before is not None, where)
    place = devices.choose(device)
    devices.prepare(seed, threads, recipe.intra_op_threads, recipe.deterministic)
    parts = phase.Parts(task, spec, processed, seed, where, place.check_every, _VALID_BATCH[task])
    seconds = 0.0
    with guards.memory(recipe, where), tf.device(place.name):
        model = architecture.build(config, spec)
        if first_recipe is not None and architecture.before is not None:
            first = architecture.before.build(config, spec)
            before = phase.fit(parts, first, first_recipe, record and record / "before", lambda row: None)
            architecture.before.carry(first, model)
            _write_history(folder, BEFORE, columns(task), before.rows)
            seconds = before.train_seconds
        result = phase.fit(parts, model, recipe, record, on_epoch)
    with guards.disk(folder / "model.keras"), new_file(folder / "model.keras") as temporary:
        whole = temporary.with_suffix(".keras")  # Keras goes by the ending
        model.save(whole)
        whole.replace(temporary)
    if task == "forecast":
        from strokecast.inference import backtest
        from strokecast.training import calibration

        calibration.write(folder, backtest.network(model, spec), processed, spec, 0, None, where)
    _write_history(folder, "history.csv", columns(task), result.rows)
    _write_facts(folder, task, name, seed, config, recipe, processed)
    return {
        "kind": "network",
        "parameters": int(model.count_params()),
        "train_seconds": round(seconds + result.train_seconds, 3),
        "best_epoch": result.best_epoch,
        "examples_per_second": round(result.examples_per_second, 1),
        "device": place.kind,
    }


def fit_estimator(
    task: str, name: str, entry_config: Mapping[str, Any], seed: int, processed: Path, folder: Path
) -> dict[str, Any]:
    """Write a fitted model.npz, history.csv (its header), config.json and spec.json to `folder`.

    Of the task forecast also calibration.json.

    Returns:
        What run.json tells of it, as `train_network` does.

    Raises:
        UserError: on a bad config, or if a class has no training drawing.
        TrainingError: where memory runs out.
    """
    spec, where = specs.load(processed, task), f"models.{task}.{name}"
    config = registry.config(task, name, entry_config)
    estimator = registry.get(task, name).build(config, spec)
    if task == "forecast":
        from strokecast.inference import backtest
        from strokecast.training import calibration, peers

        seconds, speed = peers.fit(estimator, processed, spec, seed, where)
        calibration.write(folder, backtest.regression(estimator, spec), processed, spec, 0, None, where)
    else:
        from strokecast.training import estimators

        seconds, speed = estimators.fit(estimator, processed, spec, where)
    with guards.disk(folder / "model.npz"):
        estimator.save(folder)
    _write_history(folder, "history.csv", columns(task), ())
    _write_facts(folder, task, name, seed, config, None, processed)
    return _plain_facts("estimator", estimator.parameters, seconds, speed)


def fit_rule(
    task: str,
    name: str,
    entry_config: Mapping[str, Any],
    seed: int,
    processed: Path,
    folder: Path,
    calibration_origins: int | None = None,
) -> dict[str, Any]:
    """Write a rule's model.json, calibration.json, history.csv (its header), config.json and spec.json to `folder`.

    A slow rule is calibrated on at most `calibration_origins`.

    Returns:
        What run.json tells of it, as `train_network` does.

    Raises:
        UserError: on a bad config, or if the days are too few for the rule.
    """
    from strokecast.features.timeseries import series_spec
    from strokecast.inference import backtest
    from strokecast.training import calibration, peers

    spec, where = specs.load(processed, task), f"models.{task}.{name}"
    config = registry.config(task, name, entry_config)
    names = series_spec.names(spec)
    rules = {one: registry.get(task, name).build(config, spec) for one in names}
    timed = [peers.find(rules[one], processed, spec, where, one) for one in names]
    seconds, speed = sum(took for took, _ in timed), min(speed for _, speed in timed)
    rule = rules[names[0]]
    ask, most = backtest.rules(rules, spec, where), calibration_origins if rule.slow else None
    calibration.write(folder, ask, processed, spec, rule.min_history, most, where)
    stored = {
        "task": task,
        "name": name,
        "config": config.model_dump(mode="json"),
        "found": rule.found if names == (series_spec.ONE,) else {one: rules[one].found for one in names},
        "min_history": rule.min_history,
    }
    write_json(folder / "model.json", stored)
    _write_history(folder, "history.csv", columns(task), ())
    _write_facts(folder, task, name, seed, config, None, processed)
    return _plain_facts("rule", 0, seconds, speed)


def _plain_facts(kind: str, parameters: int, seconds: float, speed: float) -> dict[str, Any]:
    told = {"kind": kind, "parameters": parameters, "train_seconds": round(seconds, 3), "best_epoch": None}
    return told | {"examples_per_second": round(speed, 1), "device": "cpu"}


def _write_history(
    folder: Path, file_name: str, names: tuple[str, ...], rows: tuple[Mapping[str, float | int], ...]
) -> None:
    with (
        guards.disk(folder / file_name),
        new_file(folder / file_name) as temporary,
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
