"""`TrainingJob`: what one training consists of, where its model lies and what its resume key hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from strokecast.common import paths
from strokecast.models.common import registry
from strokecast.models.common.config import Config
from strokecast.models.common.distil import DistilConfig
from strokecast.params import DISTIL, ForecastRecipe, Recipe, Runtime
from strokecast.training.code_digest import code_digest


@dataclass(frozen=True)
class TrainingJob:
    """One training: a model with one seed, on one version of the data and the code.

    Jobs with equal fields give the same weights. `create` is the usual way to make one.

    Attributes:
        task: one of `strokecast.params.TASKS`.
        name: the architecture.
        seed: seed of the weights, of dropout, of augmentation and of the batch order.
        config: checked config of the architecture.
        recipe: training recipe. Models without a network read nothing of it but `calibration_origins`.
        data_digest: `digest` of the processed data's spec.json.
        code_digest: digest of the source files, see `training.code_digest`.
        runtime: section `runtime` of params.yaml; only its `numerics` change the weights.
    """

    task: str
    name: str
    seed: int
    config: Config
    recipe: Recipe
    data_digest: str = ""
    code_digest: str = ""
    runtime: Runtime = field(default_factory=Runtime)

    @classmethod
    def create(
        cls,
        task: str,
        name: str,
        seed: int,
        config: Mapping[str, Any],
        recipe: Recipe,
        data_digest: str = "",
        runtime: Runtime | None = None,
    ) -> Self:
        """Check `config`, hash the code and make the job.

        Args:
            task: one of `strokecast.params.TASKS`.
            name: the architecture.
            seed: seed of the training.
            config: the `config:` of the model's entry in params.yaml.
            recipe: `Params.recipe(task, name)`.
            data_digest: `digest` of the processed data's spec.json.
            runtime: section `runtime` of params.yaml; None: its defaults.

        Raises:
            UserError: if the architecture is unknown or its config is not valid.
        """
        checked = registry.config(task, name, config)
        architecture = checked.student if isinstance(checked, DistilConfig) else name
        code = code_digest(task, architecture)
        return cls(task, name, seed, checked, recipe, data_digest, code, runtime or Runtime())

    @property
    def architecture(self) -> registry.Architecture:
        """The registered architecture."""
        return registry.get(self.task, self.name)

    @property
    def corrects_online(self) -> bool:
        """Whether the recipe lets a forecaster choose an online correction."""
        return isinstance(self.recipe, ForecastRecipe) and self.recipe.online_correction == "auto"

    @property
    def location(self) -> str:
        """Key path of the model in params.yaml, for error messages."""
        return f"{DISTIL}.{self.task}" if self.name == DISTIL else f"models.{self.task}.{self.name}"

    @property
    def model_dir(self) -> Path:
        """`models/<task>/<name>/seed-<n>`."""
        return paths.model_dir(self.task, self.name, self.seed)

    @property
    def label(self) -> str:
        """Name of the training on the board and in messages, such as `gru-seed1`."""
        return paths.training_label(self.name, self.seed)

    @property
    def resume_key(self) -> str:
        """32 hex digits; an unfinished training with the same key is resumed."""
        numerics = self.runtime.numerics if self.architecture.kind == "network" else None
        parts = [self.to_json(), self.data_digest, self.code_digest, numerics]
        if digest := self.config.input_digest():
            parts.append(digest)
        text = json.dumps(parts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def to_json(self) -> dict[str, Any]:
        """What the training's config.json holds; `training` is null for a model without a network."""
        network = self.architecture.kind == "network"
        return {
            "task": self.task,
            "name": self.name,
            "seed": self.seed,
            "config": self.config.model_dump(mode="json"),
            "training": self.recipe.model_dump(mode="json") if network else None,
        }
