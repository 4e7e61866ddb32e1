"""One phase of a training: one network, its batches, its steps and its checkpoints, run by the `Trainer`.

A training has one phase, or two if the architecture has a pretraining.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError
from strokecast.features.records import reading
from strokecast.inference.networks import input_signature
from strokecast.models.common.distil import DistilConfig
from strokecast.params import ForecastRecipe, Recipe
from strokecast.training import augment, data, distillation, objectives, optimizers, precision, steps
from strokecast.training.averaging import WeightAverage
from strokecast.training.checkpoint import CheckpointManager
from strokecast.training.distribution import SingleDevice
from strokecast.training.job import TrainingJob
from strokecast.training.trainer import FitResult, Trainer

_VALID_BATCH_SIZE = {"classify": 256, "watch": 128, "draw": 256, "forecast": 1024}


@dataclass(frozen=True)
class TrainingContext:
    """What all phases of a training have in common.

    Attributes:
        job: the training.
        spec: spec.json of the processed data.
        processed: `data/processed/<task>`.
        check_every: steps between two checks for non-finite numbers.
        distribution: the devices that share the training; networks are built and trained in its scope.
    """

    job: TrainingJob
    spec: Mapping[str, Any]
    processed: Path
    check_every: int
    distribution: SingleDevice


def pretraining_recipe(recipe: Recipe, has_pretraining: bool, location: str) -> Recipe | None:
    """Recipe of the pretraining phase: `recipe` with `pretrain_epochs` epochs.

    Args:
        recipe: recipe of the training.
        has_pretraining: whether the architecture has a pretraining.
        location: key path of the model in params.yaml, for errors.

    Returns:
        None if `pretrain_epochs` is 0.

    Raises:
        UserError: if `pretrain_epochs` is set and the architecture has no pretraining.
    """
    epochs: int = getattr(recipe, "pretrain_epochs", 0)
    if epochs == 0:
        return None
    if not has_pretraining:
        raise UserError(
            "pretrain_epochs is set, but this architecture has no pretraining",
            location=f"params.yaml: {location}.training",
            allowed="0",
            fix="set it in the `training:` of models.watch.inflated alone",
        )
    return recipe.model_copy(
        update={"epochs": epochs, "warmup_epochs": min(recipe.warmup_epochs, epochs - 1)}
    )


def fit(
    context: TrainingContext,
    model: Any,
    recipe: Recipe,
    checkpoint_dir: Path | None,
    on_epoch: Callable[[Mapping[str, float | int]], None],
) -> FitResult:
    """Train `model`; it then holds the weights of its best epoch.

    Args:
        context: data and settings that all phases share.
        model: keras.Model.
        recipe: recipe of this phase.
        checkpoint_dir: folder for the checkpoints of this phase; None: no checkpoints.
        on_epoch: called with each row of the history.

    Raises:
        TrainingError, Interrupted: as `Trainer.fit`.
    """
    task, seed = context.job.task, context.job.seed
    inputs = list(input_signature(model))
    optimizer, average = optimizers.make(recipe), WeightAverage(model, recipe)
    objective = objectives.make(task, recipe, context.spec, model)
    if isinstance(context.job.config, DistilConfig):
        objective = distillation.add_teacher(objective, task, context.job.config, model)
    loss_scale = precision.loss_scale(context.job.runtime.precision)
    compiled = steps.compile_steps(
        model,
        optimizer,
        objective,
        recipe.global_clipnorm,
        recipe.clipvalue,
        average,
        recipe.jit_compile,
        context.distribution,
        loss_scale,
    )
    augmentation = augment.make(task, recipe, context.spec)
    groups = reading.groups(context.processed, context.spec, "train", inputs)

    def train_batches(epoch: int, step: int) -> data.TrainBatches:
        return data.train_batches(
            groups,
            recipe.batch_size,
            seed,
            recipe.epochs,
            epoch,
            augmentation,
            recipe.max_tokens,
            first_step=step,
            target_of=reading.stroke5_target if task == "draw" else None,
            with_replacement=isinstance(recipe, ForecastRecipe) and recipe.windows == "random",
            trim=not recipe.jit_compile,  # XLA compiles once per length
        )

    batch_norm_data = None
    if average.updates_batch_norm:
        batch_norm_data = data.train_batches(
            groups, recipe.batch_size, seed, 1, max_tokens=recipe.max_tokens
        ).dataset
    variables = [
        *model.variables,
        *optimizer.variables,
        *average.variables,
        *loss_scale.variables,
        compiled.totals,
    ]
    trainer = Trainer(
        model=model,
        steps=compiled,
        train_batches=train_batches,
        valid=reading.batches(context.processed, context.spec, "valid", _VALID_BATCH_SIZE[task], inputs),
        batch_norm_data=batch_norm_data,
        recipe=recipe,
        average=average,
        checkpoints=CheckpointManager(checkpoint_dir, variables, context.distribution.share),
        location=context.job.location,
        counts_hits=objective.hits is not None,
        check_every=context.check_every,
        replicas=context.distribution.replicas,
        on_epoch=on_epoch,
    )
    return trainer.fit()
