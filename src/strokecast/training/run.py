"""One training from processed data to a model folder. Only networks import TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strokecast.common.errors import UserError
from strokecast.common.files import new_file
from strokecast.common.import_hiding import start_tensorflow
from strokecast.common.paths import PROCESSED
from strokecast.features.records import spec as specs
from strokecast.inference import selection
from strokecast.models.common import residual
from strokecast.training import fitting, guards, model_files
from strokecast.training.job import TrainingJob

if TYPE_CHECKING:
    from strokecast.training.devices import Device
    from strokecast.training.distribution import SingleDevice

OnEpoch = Callable[[Mapping[str, float | int]], None]
Distribute = Callable[["Device", TrainingJob], "SingleDevice"]


class InitialWeightsError(ValueError):
    """The network to start from has weights of other shapes."""


def train(
    job: TrainingJob,
    folder: Path,
    on_epoch: OnEpoch,
    checkpoint_dir: Path | None,
    processed: Path | None = None,
    *,
    calibrate: bool = True,
    initial_weights: Path | None = None,
    distribute: Distribute | None = None,
) -> dict[str, Any]:
    """Train a network, or fit a model without one, on the processed data of its task.

    Arguments, results and errors are those of `train_network`, `fitting.fit_estimator` and `fitting.fit_rule`.

    Args:
        job: the training.
        folder: existing folder for the results.
        on_epoch: called with each row of the history.
        checkpoint_dir: folder for this training's checkpoints; None: no checkpoints.
        processed: processed data of the task; None: `data/processed/<task>`.
        calibrate: whether a forecaster gets the files of `training/calibration.py`.
        initial_weights: folder of a trained network whose weights a network starts from; ignored for other models.
        distribute: chooses the devices that share the training of a network, on this machine and others; None: those of
            this machine that `runtime` names.

    Raises:
        InitialWeightsError: if the shapes of these weights differ, e.g. because new days have further holidays.
    """
    processed, kind = processed or PROCESSED / job.task, job.architecture.kind
    if kind == "rule":
        return fitting.fit_rule(job, processed, folder, calibrate=calibrate)
    if kind == "estimator":
        return fitting.fit_estimator(job, processed, folder, calibrate=calibrate)
    return train_network(
        job,
        processed,
        folder,
        on_epoch,
        checkpoint_dir=checkpoint_dir,
        calibrate=calibrate,
        initial_weights=initial_weights,
        distribute=distribute,
        count_flops=calibrate,
    )


def train_network(
    job: TrainingJob,
    processed: Path,
    folder: Path,
    on_epoch: OnEpoch,
    *,
    checkpoint_dir: Path | None = None,
    calibrate: bool = True,
    initial_weights: Path | None = None,
    distribute: Distribute | None = None,
    count_flops: bool = False,
) -> dict[str, Any]:
    """Train one network; write model.keras, history.csv, config.json and spec.json to `folder`.

    Forecasters also get the files of `training/calibration.py`, classifiers validation.json.

    If the architecture has a pretraining (`registry.Pretraining`) and the recipe sets `pretrain_epochs`,
    the pretraining network is trained first. Its history goes to pretraining_history.csv, and its weights
    are transferred to the architecture's own network, which is then trained in the usual way. A
    pretraining that ended before a kill is not repeated.

    Opens the files of the train and valid splits, never those of the test split.

    Args:
        job: the training.
        processed: `data/processed/<task>`.
        folder: existing folder; the caller renames it into place.
        on_epoch: called with each row of the history.
        checkpoint_dir: folder for this training's checkpoints; a restarted training resumes from it.
            None: no checkpoints are written.
        calibrate, initial_weights, distribute: see `train`.
        count_flops: whether the result has the facts of `flops.describe`.

    Returns:
        The training's part of run.json: kind, parameters, train_seconds, best_epoch,
        examples_per_second, device; with recurrent layers `cudnn`; of several devices `replicas`; of a
        forecaster also `residual` and the facts of `training/calibration.py`.

    Raises:
        UserError: if a device is missing, or another machine of the training leaves it.
        TrainingError: if a loss or gradient is not finite, or memory runs out.
        Interrupted: on SIGINT and SIGTERM, after a checkpoint was written.
        OSError: ENOSPC if the disk is full.
    """
    start_tensorflow()
    from strokecast.training import cudnn, devices, distribution, flops, phase, precision

    spec = specs.load(processed, job.task)
    architecture, recipe = job.architecture, job.recipe
    pretraining = architecture.pretraining
    pretraining_recipe = phase.pretraining_recipe(recipe, pretraining is not None, job.location)
    tf_device = devices.choose(job.runtime)
    devices.prepare(job.seed, job.runtime, recipe.intra_op_threads, recipe.deterministic)
    place = (distribute or distribution.choose)(tf_device, job)
    _check_several(job, place.replicas)
    context = phase.TrainingContext(job, spec, processed, tf_device.check_every, place)
    pretrain_seconds = 0.0
    with guards.memory(recipe, job.location), place.lost_workers(), place.scope():
        model = architecture.build(job.config, spec)
        precision.apply(model, job.runtime.precision)
        if pretraining_recipe is not None and pretraining is not None:
            pretrained = pretraining.build(job.config, spec)
            precision.apply(pretrained, job.runtime.precision)
            pretraining_dir = checkpoint_dir and checkpoint_dir / "pretraining"
            result = phase.fit(context, pretrained, pretraining_recipe, pretraining_dir, lambda row: None)
            pretraining.transfer_weights(pretrained, model)
            model_files.write_history(
                folder, model_files.PRETRAINING_HISTORY, model_files.columns(job.task), result.rows
            )
            pretrain_seconds = result.train_seconds
        if initial_weights is not None:
            _copy_weights(initial_weights, model)
        cudnn_layers = cudnn.describe(cudnn.reasons(model, tf_device.kind, recipe.jit_compile))
        if recipe.jit_compile:
            cudnn.switch_off(model)
        result = phase.fit(context, model, recipe, checkpoint_dir, on_epoch)
    precision.apply(model, "float32")  # so that forecasts and exports do not depend on it
    with guards.disk(folder / "model.keras"), new_file(folder / "model.keras") as temporary:
        keras_file = temporary.with_suffix(".keras")  # Keras chooses the format by the suffix
        model.save(keras_file)
        keras_file.replace(temporary)
    facts: dict[str, Any] = {}
    if cudnn_layers:
        facts["cudnn"] = cudnn_layers
    if count_flops:
        facts |= flops.describe(model, spec, processed, len(result.rows), result.train_seconds)
    if job.task == "forecast":
        facts["residual"] = residual.resolve(getattr(job.config, "residual", "none"), spec)
    if job.task == "forecast" and calibrate:
        from strokecast.inference import backtest
        from strokecast.training import calibration

        forecast, correct = backtest.network_forecaster(model, spec), job.corrects_online
        facts |= calibration.write(folder, forecast, processed, spec, 0, None, job.location, correct=correct)
    elif job.task in ("classify", "watch"):
        selection.write_accuracy(folder, result.rows[result.best_epoch - 1]["valid_accuracy"])
    model_files.write_history(folder, "history.csv", model_files.columns(job.task), result.rows)
    model_files.write_config_and_spec(folder, job, processed)
    return {
        "kind": "network",
        "parameters": int(model.count_params()),
        "train_seconds": round(pretrain_seconds + result.train_seconds, 3),
        "best_epoch": result.best_epoch,
        "examples_per_second": round(result.examples_per_second, 1),
        "device": tf_device.kind,
        **({"precision": job.runtime.precision} if job.runtime.precision != "float32" else {}),
        **({"replicas": place.replicas} if place.replicas > 1 else {}),
        **facts,
    }


def _check_several(job: TrainingJob, replicas: int) -> None:
    """Refuse what one compiled step on several devices cannot do.

    Raises:
        UserError: for XLA, and for the loss scale of float16, which skips updates.
    """
    if replicas > 1 and job.recipe.jit_compile:
        raise UserError(
            f"jit_compile: true, and {replicas} devices share the training",
            location=f"params.yaml: {job.location}.training.jit_compile",
            allowed="false",
            fix="or set runtime.devices: 1",
        )
    if replicas > 1 and job.runtime.precision == "mixed_float16":
        raise UserError(
            f"precision: mixed_float16, and {replicas} devices share the training",
            location="params.yaml: runtime.precision",
            allowed="float32 | mixed_bfloat16",
            fix="or set runtime.devices: 1",
        )


def _copy_weights(folder: Path, model: Any) -> None:
    """Copy the weights of the network in `folder`.

    Raises:
        InitialWeightsError: if their shapes differ.
    """
    from strokecast.inference import networks

    weights = networks.load_network(folder).get_weights()
    if [one.shape for one in weights] != [one.shape for one in model.get_weights()]:
        raise InitialWeightsError(f"the weights in {folder} have other shapes than the network")
    model.set_weights(weights)
