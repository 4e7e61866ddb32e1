"""One network through the one loop: its feed, its steps, its checkpoints.

A training is one phase, or two where an architecture has a network that is trained before its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError
from strokecast.features.records import reading
from strokecast.inference.networks import signature
from strokecast.params import ForecastRecipe, Recipe
from strokecast.training import augment, averaging, checkpoint, data, loop, objectives, optimizers, step


@dataclass(frozen=True)
class Parts:
    """What all phases of a training have in common.

    Attributes:
        task: of `strokecast.params.TASKS`.
        spec: of the processed data.
        processed: `data/processed/<task>`.
        seed: of batch order and augmentation.
        where: the entry in params.yaml, for errors.
        check_every: steps from one look for broken numbers to the next.
        valid_batch: examples of a validation step.
    """

    task: str
    spec: Mapping[str, Any]
    processed: Path
    seed: int
    where: str
    check_every: int
    valid_batch: int


def first_recipe(recipe: Recipe, possible: bool, where: str) -> Recipe | None:
    """The recipe of the network that is trained first: as the own one's, but for so many epochs; None: there is none.

    Raises:
        UserError: if `pretrain_epochs` is set and the architecture has no such network.
    """
    epochs: int = getattr(recipe, "pretrain_epochs", 0)
    if epochs == 0:
        return None
    if not possible:
        raise UserError(
            "pretrain_epochs is set, and this architecture has no network to be trained before it",
            where=f"params.yaml: {where}.training",
            allowed="0",
            fix="set it in the `training:` of models.watch.inflated alone",
        )
    return recipe.model_copy(
        update={"epochs": epochs, "warmup_epochs": min(recipe.warmup_epochs, epochs - 1)}
    )


def fit(
    parts: Parts,
    model: Any,
    recipe: Recipe,
    record: Path | None,
    on_epoch: Callable[[Mapping[str, float | int]], None],
) -> loop.Fit:
    """Train `model`; it then holds the weights of its best epoch. Args and errors: as `run.train_network`."""
    inputs = list(signature(model))
    optimizer, average = optimizers.make(recipe), averaging.Average(model, recipe)
    objective = objectives.make(parts.task, recipe, parts.spec, model)
    steps = step.make(
        model, optimizer, objective, recipe.clip_norm, recipe.clip_value, average, recipe.jit_compile
    )
    change = augment.make(parts.task, recipe, parts.spec)
    groups = reading.groups(parts.processed, parts.spec, "train", inputs)

    def feed(epoch: int, step: int) -> data.Feed:
        return data.feed(
            groups,
            recipe.batch_size,
            parts.seed,
            recipe.epochs,
            epoch,
            change,
            recipe.tokens,
            first_step=step,
            target_of=reading.drawn if parts.task == "draw" else None,
            redraw=isinstance(recipe, ForecastRecipe) and recipe.windows == "random",
        )

    plain = (
        data.feed(groups, recipe.batch_size, parts.seed, 1, tokens=recipe.tokens)
        if average.refreshes
        else None
    )
    held = [*model.variables, *optimizer.variables, *average.variables, steps.totals]
    return loop.fit(
        loop.Training(
            model=model,
            steps=steps,
            feed=feed,
            valid=reading.batches(parts.processed, parts.spec, "valid", parts.valid_batch, inputs),
            refresh=plain and plain.dataset,
            recipe=recipe,
            average=average,
            keeper=checkpoint.Keeper(record, held),
            where=parts.where,
            counts_hits=objective.hits is not None,
            check_every=parts.check_every,
            on_epoch=on_epoch,
        )
    )
