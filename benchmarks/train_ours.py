"""strokecast's side of `train.py`: its records, input pipeline, training step and recipes."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from plain_keras import LearningCurve
from project import ROOT, preset_params
from strokecast.params import ClassifyRecipe

BUCKET_BOUNDARIES = (  # points; the twenty boundaries that pad these drawings least
    *(24, 29, 33, 36, 39, 42, 45, 48, 51, 54),
    *(58, 62, 66, 71, 76, 83, 92, 107, 136, 209),
)
CONFIGS: dict[str, dict[str, Any]] = {  # the networks that the published figures are about
    "attention_rnn": {"units": 64, "directions": False, "points_per_step": 1},
    "conv_bilstm": {"units": 128, "positions": False, "directions": False, "points_per_step": 1},
    "conv_rnn": {"directions": False},
    "gru": {"directions": False, "points_per_step": 1},
    "layer_norm_lstm": {
        "units": 64,
        "bidirectional": False,
        "recurrent_dropout": 0.1,
        "directions": False,
        "points_per_step": 1,
    },
    "lstm": {"directions": False, "points_per_step": 1},
    "simple_rnn": {"layers": 3, "bidirectional": False, "directions": False, "points_per_step": 1},
    "transformer": {"d_model": 64, "mlp_dim": 128, "directions": False},
    "wavenet": {"filters": 64, "directions": False},
}
ONE_THREAD = (
    "attention_rnn",
    "conv_bilstm",
)  # both directions run side by side with one thread per operation

_BATCH_SIZES = {"conv_bilstm": 217}  # three batches per bucket; other networks: 128
_MAX_EPOCHS = 1_000  # more than any measurement runs


def networks() -> list[str]:
    """Names of all classifiers that are networks."""
    from strokecast.models.common import registry

    names = registry.names("classify")
    return [name for name in names if registry.get("classify", name).kind == "network"]


def peer_config(name: str) -> dict[str, Any]:
    """The `config:` of the network that the plain script also has: it reads the moves alone."""
    return {**CONFIGS[name], "positions": False}


def recipe_overrides(name: str) -> dict[str, Any]:
    """The `training:` that `name` is measured with."""
    return {"batch_size": _BATCH_SIZES.get(name, 128), "intra_op_threads": 1 if name in ONE_THREAD else None}


def recipe(overrides: Mapping[str, Any]) -> ClassifyRecipe:
    """`training.classify` of the checkout's params.yaml with some keys overridden."""
    from strokecast import params

    base = params.load(ROOT / "params.yaml").training.classify.model_dump()
    return ClassifyRecipe.model_validate({**base, **overrides})


@dataclass(frozen=True)
class PresetTraining:
    """The training of `conv_rnn` that a preset describes, with all defaults filled in.

    Attributes:
        bucket_boundaries: `features.classify.bucket_boundaries`.
        config: of the network.
        recipe: of the training.
        seed: its first seed.
    """

    bucket_boundaries: Literal["auto"] | tuple[int, ...]
    config: dict[str, Any]
    recipe: ClassifyRecipe
    seed: int


def preset_training(preset: str) -> PresetTraining:
    """`models.classify.conv_rnn` of the checkout's params.yaml with a preset applied.

    Raises:
        UserError: if there is no such preset or it is not valid.
    """
    from strokecast import params
    from strokecast.models.common import resolve

    settings = resolve.resolve(params.parse(preset_params(preset)))
    entry = settings.entries("classify")["conv_rnn"]
    return PresetTraining(
        settings.features.classify.bucket_boundaries,
        dict(entry.config),
        settings.recipe("classify", "conv_rnn"),
        entry.seeds[0],
    )


@dataclass
class MeasuredTraining:
    """A network with everything that its training needs.

    Args:
        name: the architecture.
        processed: folder of the records.
        config: its `config:`.
        overrides: its `training:`.
        bfloat16: compute in bfloat16, with weights and loss in float32.
    """

    name: str
    processed: Path
    config: Mapping[str, Any]
    overrides: Mapping[str, Any]
    bfloat16: bool = False

    def __post_init__(self) -> None:
        import keras

        from strokecast.features.records import reading
        from strokecast.features.records import spec as specs
        from strokecast.inference.networks import input_signature
        from strokecast.models.common import registry
        from strokecast.training import augment, averaging, objectives, optimizers, steps

        keras.utils.set_random_seed(1)
        self.spec = specs.load(self.processed, "classify")
        self.recipe = recipe(self.overrides)
        config = registry.config("classify", self.name, self.config)
        keras.config.set_dtype_policy("mixed_bfloat16" if self.bfloat16 else "float32")
        self.model = registry.get("classify", self.name).build(config, self.spec)
        keras.config.set_dtype_policy("float32")
        if self.bfloat16:
            logits = keras.layers.Activation("linear", dtype="float32")(self.model.output)
            self.model = keras.Model(self.model.input, logits)
        objective = objectives.make("classify", self.recipe, self.spec, self.model)
        self.steps = steps.compile_steps(
            self.model,
            optimizers.make(self.recipe),
            objective,
            self.recipe.global_clipnorm,
            self.recipe.clipvalue,
            averaging.WeightAverage(self.model, self.recipe),
            self.recipe.jit_compile,
        )
        self.groups = reading.groups(self.processed, self.spec, "train", list(input_signature(self.model)))
        self.augment = augment.make("classify", self.recipe, self.spec)
        self.epochs = 0  # epochs that batches were requested for
        self._pipeline: tuple[Any, int] | None = None  # iterator over batches, batches per epoch

    @property
    def weights(self) -> int:
        """Number of trainable weights."""
        return sum(int(np.prod(variable.shape)) for variable in self.model.trainable_variables)

    def batches(self, epochs: int = 1) -> Any:
        """The batches of the next epochs as a training reads them: a `training.data.TrainBatches`."""
        from strokecast.training import data

        first_epoch = self.epochs
        self.epochs += epochs
        return data.train_batches(
            self.groups,
            self.recipe.batch_size,
            1,
            self.epochs,
            first_epoch,
            self.augment,
            self.recipe.max_tokens_per_batch,
        )

    def train(self, batch: tuple[Any, Any, Any]) -> None:
        """Run one training step as `Trainer` does."""
        inputs, target, _ = batch
        self.steps.train(inputs, target, np.float32(1e-4))
        self.steps.detector.check(self.epochs, 0, self.name)

    def warm_up(self) -> None:
        """Trace the step and run it once per bucket."""
        lengths = set()
        for batch in self.batches().dataset:
            length = batch[0]["strokes"].shape[1]
            if length not in lengths:
                self.train(batch)
                lengths.add(length)
            if len(lengths) == len(self.groups):
                break
        self.steps.read_totals()

    def time_epoch(self) -> tuple[float, float]:
        """Train for one epoch; returns wall time and processor time in seconds."""
        batches = self._next_epoch()
        wall_start, processor_start = time.perf_counter(), time.process_time()
        for batch in batches:
            self.train(batch)
        self.steps.read_totals()
        return time.perf_counter() - wall_start, time.process_time() - processor_start

    def time_loading(self) -> float:
        """Read the batches of one epoch without training on them; returns the wall time in seconds."""
        batches = self._next_epoch()
        started = time.perf_counter()
        for _ in batches:
            pass
        return time.perf_counter() - started

    def _next_epoch(self) -> Any:
        """The batches of the next epoch; one pipeline serves all epochs, as in a training."""
        if self._pipeline is None:
            batches = self.batches(_MAX_EPOCHS)
            self._pipeline = iter(batches.dataset), batches.steps
        iterator, steps = self._pipeline
        return itertools.islice(iterator, steps)

    def examples(self) -> int:
        """Number of drawings per epoch."""
        return sum(group.count for group in self.groups)

    def step_seconds(self, batch_size: int, repeats: int = 5) -> tuple[float, float]:
        """Time of a step on a batch of the largest bucket, in seconds: of the first call, and the median of the later."""
        import tensorflow as tf

        group = max(self.groups, key=lambda group: group.count)
        records = tf.data.TFRecordDataset(list(group.files)).repeat().batch(batch_size).map(group.parse)
        batch = next(iter(records))
        times = []
        for _ in range(1 + repeats):
            started = time.perf_counter()
            self.train(batch)
            self.steps.totals.numpy()
            times.append(time.perf_counter() - started)
        return times[0], float(np.median(times[1:]))


def train(training: PresetTraining, processed: Path) -> LearningCurve:
    """Train `conv_rnn` as the stage does and evaluate it on test. Validation counts as training time."""
    from strokecast.features.records import spec as specs
    from strokecast.inference import networks, split_predictions
    from strokecast.training import run
    from strokecast.training.job import TrainingJob

    rows: list[Mapping[str, float | int]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        job = TrainingJob.create("classify", "conv_rnn", training.seed, training.config, training.recipe)
        run.train_network(job, processed, folder, rows.append, checkpoint_dir=folder / "checkpoints")
        network = networks.load_network(folder)
        spec = specs.load(processed, "classify")
        _, labels, logits = split_predictions.predict_split(network, processed, spec, "test")
    return LearningCurve(
        [float(row["seconds"]) for row in rows],
        [float(row["valid_accuracy"]) for row in rows],
        float((logits.argmax(axis=1) == labels).mean()),
    )
