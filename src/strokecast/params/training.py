"""Section `training`: one recipe per task."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.params.base import Strict, Words, with_default


class Recipe(Strict):
    """Training recipe of a network; a model's own `training:` entry overrides single keys."""

    epochs: int = Field(20, ge=1, le=100_000, description="maximum number of passes over the training data")
    batch_size: int = Field(128, ge=1, le=65_536, description="examples per step")
    optimizer: Literal["adam", "adamw", "sgd"] = Field("adam", description="optimizer of Keras")
    learning_rate: float = Field(0.002, gt=0, le=100, description="peak learning rate")
    momentum: float | None = Field(None, ge=0, lt=1, description="sgd only; null: none")
    weight_decay: float | None = Field(None, ge=0, lt=1, description="adamw only; null: 0.004")
    schedule: Literal["constant", "cosine"] = Field("cosine", description="learning-rate schedule")
    warmup_epochs: int = Field(0, ge=0, description="epochs of linear warm-up before the schedule")
    global_clipnorm: float | None = Field(
        1.0, gt=0, description="upper limit of the global gradient norm; null: no clipping"
    )
    clipvalue: float | None = Field(
        None,
        gt=0,
        description="upper limit of the absolute value of each gradient entry, instead of global_clipnorm; "
        "null: no clipping",
    )
    weight_averaging: Literal["none", "ema", "swa"] = Field(
        "none",
        description="ema: exponential moving average; swa: mean of the weights of the last epochs; the averaged "
        "weights are validated and saved",
    )
    ema_decay: float = Field(0.999, gt=0, lt=1, description="decay per step (weight_averaging: ema)")
    swa_start: float = Field(
        0.75, ge=0, lt=1, description="fraction of the epochs before averaging starts (weight_averaging: swa)"
    )
    patience: int | None = Field(
        None, ge=1, description="early stopping: epochs without a better validation loss; null: never"
    )
    jit_compile: bool = Field(
        False, description="compile the steps with XLA (docs/results.md: when it is faster)"
    )
    deterministic: bool = Field(
        False, description="one seed gives the same bits each time on one machine; not with jit_compile"
    )
    intra_op_threads: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="threads within one operation; null: TensorFlow's choice (docs/results.md: when 1 is faster)",
    )
    checkpoint_steps: int | None = Field(
        None, ge=1, description="steps between two checkpoints; null: one checkpoint per epoch"
    )

    @property
    def max_tokens(self) -> int | None:
        """Upper limit of the padded steps per batch; None: `batch_size` counts examples."""
        return None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.momentum is not None and self.optimizer != "sgd":
            raise PydanticCustomError("momentum", "momentum requires optimizer: sgd")
        if self.weight_decay is not None and self.optimizer != "adamw":
            raise PydanticCustomError("weight_decay", "weight_decay requires optimizer: adamw")
        if self.global_clipnorm is not None and self.clipvalue is not None:
            raise PydanticCustomError("clip", "clipvalue requires global_clipnorm: null")
        if self.jit_compile and self.deterministic:
            raise PydanticCustomError(
                "deterministic", "deterministic and jit_compile exclude each other: Keras drops XLA then"
            )
        if self.warmup_epochs >= self.epochs:
            raise PydanticCustomError(
                "warmup",
                "warmup_epochs ({warmup_epochs}) should be less than epochs ({epochs})",
                {"warmup_epochs": self.warmup_epochs, "epochs": self.epochs},
            )
        return self


class LabelRecipe(Recipe):
    """Keys that the recipes of all classifiers share."""

    class_weights: Literal["none", "balanced"] = Field(
        "none", description="balanced: weights inversely proportional to the training counts"
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="fraction of each label that is spread over all classes"
    )
    augment_scale: float = Field(
        0.0, ge=0, lt=1, description="width and height change by up to this fraction; 0: off"
    )
    augment_rotation: float = Field(
        0.0, ge=0, le=180, description="degrees; drawings rotate by up to this angle; 0: off"
    )
    augment_mirror: float = Field(
        0.0, ge=0, le=1, description="fraction of drawings that are mirrored left to right; 0: off"
    )
    mirror_classes: Literal["all"] | Words = Field(
        "all", description="`all`, or a list of the classes that augment_mirror applies to"
    )


class ClassifyRecipe(LabelRecipe):
    """Recipe of the stroke classifiers."""

    epochs: int = with_default(Recipe, "epochs", 12)
    batch_size: int = with_default(Recipe, "batch_size", 64)
    learning_rate: float = with_default(Recipe, "learning_rate", 0.004)
    warmup_epochs: int = with_default(Recipe, "warmup_epochs", 1)
    augment_scale: float = with_default(LabelRecipe, "augment_scale", 0.15)
    augment_rotation: float = with_default(LabelRecipe, "augment_rotation", 10.0)
    max_tokens_per_batch: int | None = Field(
        None,
        ge=1,
        description="padded points per step, instead of batch_size drawings; null: batch_size",
    )
    augment_jitter: float = Field(
        0.02, ge=0, le=10, description="std of the noise added to scaled dx and dy; 0: off"
    )
    augment_drop: float = Field(
        0.1, ge=0, lt=1, description="fraction of points within strokes that are dropped; 0: off"
    )
    augment_drop_strokes: float = Field(
        0.0, ge=0, lt=1, description="fraction of strokes that are dropped, never the longest; 0: off"
    )

    @property
    def max_tokens(self) -> int | None:
        """Upper limit of the padded points per batch; None: `batch_size` counts drawings."""
        return self.max_tokens_per_batch


class WatchRecipe(LabelRecipe):
    """Recipe of the video classifiers."""

    epochs: int = with_default(Recipe, "epochs", 8)
    batch_size: int = with_default(Recipe, "batch_size", 64)
    learning_rate: float = with_default(Recipe, "learning_rate", 0.004)
    warmup_epochs: int = with_default(Recipe, "warmup_epochs", 1)
    augment_scale: float = with_default(LabelRecipe, "augment_scale", 0.1)
    augment_rotation: float = with_default(LabelRecipe, "augment_rotation", 10.0)
    pretrain_epochs: int = Field(
        0, ge=0, le=100_000, description="inflated only: epochs of its pretraining; 0: none"
    )
    augment_shift: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="fraction of height and width; videos move by up to this distance; 0: off",
    )


class DrawRecipe(Recipe):
    """Recipe of the networks that generate drawings."""

    epochs: int = with_default(Recipe, "epochs", 12)
    batch_size: int = with_default(Recipe, "batch_size", 32)
    learning_rate: float = with_default(Recipe, "learning_rate", 0.006)
    warmup_epochs: int = with_default(Recipe, "warmup_epochs", 1)
    intra_op_threads: int | None = with_default(Recipe, "intra_op_threads", 1)
    augment_scale: float = Field(
        0.1, ge=0, lt=1, description="width and height change by up to this fraction; 0: off"
    )
    augment_drop: float = Field(
        0.0, ge=0, lt=1, description="fraction of points within strokes that are dropped; 0: off"
    )


class ForecastRecipe(Recipe):
    """Recipe of the forecasters."""

    epochs: int = with_default(Recipe, "epochs", 9)
    batch_size: int = with_default(Recipe, "batch_size", 64)
    learning_rate: float = with_default(Recipe, "learning_rate", 0.01)
    loss: Literal["huber", "mae", "mse"] = Field(
        "mae",
        description="loss of point forecasts, on values scaled by the training days; models with quantiles use the "
        "pinball loss",
    )
    monitor: Literal["loss", "mae"] = Field(
        "loss",
        description="validation metric for early stopping and for choosing the best epoch: loss, or mae of the "
        "(median) forecast, on scaled values",
    )
    calibration_origins: int | None = Field(
        60,
        ge=1,
        description="number of evenly spaced validation origins on which slow statistical models are calibrated; "
        "null: all, as for the other models",
    )
    online_correction: Literal["auto", "none"] = Field(
        "auto",
        description="auto: a part of the mean of the last errors known at each origin is added to the forecasts, if that "
        "lowers the error on validation origins; never to slow statistical models and seasonal naive ones",
    )
    windows: Literal["all", "random"] = Field(
        "all",
        description="windows per epoch; all: each training window once; random: as many, sampled with replacement",
    )


class TrainingParams(Strict):
    """Section `training`: one recipe per task."""

    on_failure: Literal["stop", "continue"] = Field(
        "stop",
        description="if a training fails (NaN, out of memory): stop, or continue with the other models",
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
