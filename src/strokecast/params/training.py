"""Section `training`: the recipes, one model a task."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.params.base import Strict, Words, with_default


class Recipe(Strict):
    """How a network is trained; a model's own `training:` entry overrides single keys."""

    epochs: int = Field(20, ge=1, le=100_000, description="passes over the training data, at most")
    batch_size: int = Field(128, ge=1, le=65_536, description="examples a step")
    optimizer: Literal["adam", "adamw", "sgd"] = Field("adam", description="update rule")
    learning_rate: float = Field(0.002, gt=0, le=100, description="at its peak")
    momentum: float | None = Field(None, ge=0, lt=1, description="sgd only; null: none")
    weight_decay: float | None = Field(None, ge=0, lt=1, description="adamw only; null: 0.004")
    schedule: Literal["constant", "cosine"] = Field("cosine", description="learning rate over the epochs")
    warmup_epochs: int = Field(0, ge=0, description="epochs of linear rise before the schedule")
    clip_norm: float | None = Field(1.0, gt=0, description="largest global gradient norm; null: no clipping")
    clip_value: float | None = Field(
        None, gt=0, description="largest size of each gradient entry, instead of clip_norm; null: no clipping"
    )
    average: Literal["none", "ema", "swa"] = Field(
        "none",
        description="weights validated and kept: the last, a moving average, or the mean of the last epochs",
    )
    ema_decay: float = Field(
        0.999, gt=0, lt=1, description="share of the moving average that each step keeps (average: ema)"
    )
    swa_start: float = Field(
        0.75, ge=0, lt=1, description="share of the epochs after which weights are averaged (average: swa)"
    )
    patience: int | None = Field(
        None, ge=1, description="epochs without a better validation loss before stopping; null: never"
    )
    jit_compile: bool = Field(
        False, description="compile the steps with XLA (benchmarks/README.md: where it pays)"
    )
    deterministic: bool = Field(
        False, description="the same bits twice from one seed, on one machine; not with jit_compile"
    )
    intra_op_threads: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="threads within one operation; null: TensorFlow's choice (benchmarks/README.md: where 1 pays)",
    )
    checkpoint_steps: int | None = Field(
        None, ge=1, description="steps from one checkpoint to the next; null: one an epoch"
    )

    @property
    def tokens(self) -> int | None:
        """Padded steps a batch, where these and not its examples are counted."""
        return None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.momentum is not None and self.optimizer != "sgd":
            raise PydanticCustomError("momentum", "momentum goes with optimizer: sgd")
        if self.weight_decay is not None and self.optimizer != "adamw":
            raise PydanticCustomError("weight_decay", "weight_decay goes with optimizer: adamw")
        if self.clip_norm is not None and self.clip_value is not None:
            raise PydanticCustomError("clip", "clip_value goes with clip_norm: null")
        if self.jit_compile and self.deterministic:
            raise PydanticCustomError(
                "deterministic", "deterministic and jit_compile exclude each other: Keras drops XLA then"
            )
        if self.warmup_epochs >= self.epochs:
            raise PydanticCustomError("warmup", "warmup_epochs should be below epochs")
        return self


class LabelRecipe(Recipe):
    """What the recipes of all tasks with classes have in common."""

    class_weights: Literal["none", "balanced"] = Field(
        "none", description="balanced: a rare class weighs more, by the training counts"
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of each label spread over all classes")
    augment_scale: float = Field(
        0.0, ge=0, lt=1, description="share; width and height change by up to this, 0: off"
    )
    augment_rotation: float = Field(
        0.0, ge=0, le=180, description="degrees; drawings turn by up to this, 0: off"
    )
    augment_mirror: float = Field(
        0.0, ge=0, le=1, description="share of drawings mirrored left to right, 0: off"
    )
    mirror_classes: Literal["all"] | Words = Field(
        "all", description="`all`, or a list of the classes that augment_mirror may mirror"
    )


class ClassifyRecipe(LabelRecipe):
    """How classifiers are trained."""

    epochs: int = with_default(Recipe, "epochs", 12)
    batch_size: int = with_default(Recipe, "batch_size", 64)
    learning_rate: float = with_default(Recipe, "learning_rate", 0.004)
    warmup_epochs: int = with_default(Recipe, "warmup_epochs", 1)
    augment_scale: float = with_default(LabelRecipe, "augment_scale", 0.15)
    augment_rotation: float = with_default(LabelRecipe, "augment_rotation", 10.0)
    batch_tokens: int | None = Field(
        None, ge=1, description="padded points a step, instead of batch_size drawings; null: batch_size"
    )
    augment_jitter: float = Field(
        0.02, ge=0, le=10, description="std of what is added to scaled dx and dy, 0: off"
    )
    augment_drop: float = Field(
        0.1, ge=0, lt=1, description="share of points within strokes left out, 0: off"
    )
    augment_drop_strokes: float = Field(
        0.0, ge=0, lt=1, description="share of strokes left out, never the longest; 0: off"
    )

    @property
    def tokens(self) -> int | None:
        """Padded points a batch, where these and not its drawings are counted."""
        return self.batch_tokens


class WatchRecipe(LabelRecipe):
    """How classifiers of videos are trained."""

    epochs: int = with_default(Recipe, "epochs", 10)
    batch_size: int = with_default(Recipe, "batch_size", 64)
    learning_rate: float = with_default(Recipe, "learning_rate", 0.004)
    warmup_epochs: int = with_default(Recipe, "warmup_epochs", 1)
    augment_scale: float = with_default(LabelRecipe, "augment_scale", 0.1)
    augment_rotation: float = with_default(LabelRecipe, "augment_rotation", 10.0)
    pretrain_epochs: int = Field(
        0,
        ge=0,
        le=100_000,
        description="inflated only: epochs of the network that is trained before it, 0: none",
    )
    augment_shift: float = Field(
        0.05, ge=0, lt=1, description="share of height and width; videos move by up to this, 0: off"
    )


class DrawRecipe(Recipe):
    """How networks that draw are trained."""

    epochs: int = with_default(Recipe, "epochs", 12)
    batch_size: int = with_default(Recipe, "batch_size", 32)
    learning_rate: float = with_default(Recipe, "learning_rate", 0.006)
    warmup_epochs: int = with_default(Recipe, "warmup_epochs", 1)
    intra_op_threads: int | None = with_default(Recipe, "intra_op_threads", 1)
    augment_scale: float = Field(
        0.1, ge=0, lt=1, description="share; width and height change by up to this, 0: off"
    )
    augment_drop: float = Field(
        0.0, ge=0, lt=1, description="share of points within strokes left out, 0: off"
    )


class ForecastRecipe(Recipe):
    """How forecasters are trained."""

    epochs: int = with_default(Recipe, "epochs", 9)
    batch_size: int = with_default(Recipe, "batch_size", 64)
    learning_rate: float = with_default(Recipe, "learning_rate", 0.01)
    loss: Literal["huber", "mae", "mse"] = Field(
        "mae",
        description="of point forecasts, on values scaled by the training days; with quantiles it is the pinball loss",
    )
    best_by: Literal["loss", "mae"] = Field(
        "loss",
        description="figure of validation that the best epoch and `patience` go by; mae: of the point forecast or "
        "the median, on scaled values",
    )
    calibration_origins: int | None = Field(
        60,
        ge=1,
        description="evenly spaced validation origins that the intervals of a slow rule are calibrated on, at most; "
        "null: every one, as for all others",
    )
    windows: Literal["all", "random"] = Field(
        "all",
        description="of an epoch; all: each training window once; random: as many, drawn anew with replacement",
    )


class Training(Strict):
    """Recipes a task, and where they run."""

    device: Literal["auto", "cpu", "gpu"] = Field("auto", description="auto: a GPU where there is one")
    threads: int | None = Field(
        None, ge=1, le=1024, description="processor threads TensorFlow computes with; null: all"
    )
    on_failure: Literal["stop", "continue"] = Field(
        "stop",
        description="stop, or continue with the other models, when a training breaks (NaN, out of memory)",
    )
    classify: ClassifyRecipe = Field(ClassifyRecipe(), description="for classify")
    watch: WatchRecipe = Field(WatchRecipe(), description="for watch")
    draw: DrawRecipe = Field(DrawRecipe(), description="for draw")
    forecast: ForecastRecipe = Field(ForecastRecipe(), description="for forecast")


RECIPES: dict[str, type[Recipe]] = {
    "classify": ClassifyRecipe,
    "watch": WatchRecipe,
    "draw": DrawRecipe,
    "forecast": ForecastRecipe,
}
