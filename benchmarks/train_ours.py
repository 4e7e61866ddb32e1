"""strokecast's side of `train.py`: its records, its feed, its step, its recipes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from strokecast.params import ClassifyRecipe

ROOT = Path(__file__).resolve().parent.parent
BOUNDS = (  # fewest padded points of twenty buckets of these drawings
    *(24, 29, 33, 36, 39, 42, 45, 48, 51, 54),
    *(58, 62, 66, 71, 76, 83, 92, 107, 136, 209),
)
ONE_THREAD = (
    "attention_rnn",
    "conv_bilstm",
)  # both directions beside each other, each operation on one thread

_BATCH = {"conv_bilstm": 217}  # three batches a bucket; others 128
_MANY = 1_000  # epochs, more than there are turns


def networks() -> list[str]:
    """All classifiers that are networks."""
    from strokecast.models.common import registry

    names = registry.names("classify")
    return [name for name in names if registry.get("classify", name).kind == "network"]


def setup(name: str) -> dict[str, Any]:
    """The `training:` that `name` is measured with, over `training.classify` of params.yaml."""
    return {"batch_size": _BATCH.get(name, 128), "intra_op_threads": 1 if name in ONE_THREAD else None}


def recipe(over: Mapping[str, Any]) -> ClassifyRecipe:
    """`training.classify` of the project's params.yaml with some keys changed."""
    from strokecast import params

    told = params.load(ROOT / "params.yaml").training.classify.model_dump()
    return ClassifyRecipe.model_validate({**told, **over})


def preset(path: Path) -> dict[str, Any]:
    """Name, seed, bounds, config and training of a preset file."""
    from ruamel.yaml import YAML

    told: dict[str, Any] = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return told


@dataclass
class Training:
    """One network with everything that a training of it needs.

    Args:
        name: the architecture.
        processed: folder of the records.
        config: its `config:`.
        over: its `training:`.
        half: compute in bfloat16, with weights and loss in float32.
    """

    name: str
    processed: Path
    config: Mapping[str, Any]
    over: Mapping[str, Any]
    half: bool = False

    def __post_init__(self) -> None:
        import keras

        from strokecast.features.records import reading
        from strokecast.features.records import spec as specs
        from strokecast.inference.networks import input_signature
        from strokecast.models.common import registry
        from strokecast.training import augment, averaging, objectives, optimizers, steps

        keras.utils.set_random_seed(1)
        self.spec = specs.load(self.processed, "classify")
        self.recipe = recipe(self.over)
        config = registry.config("classify", self.name, self.config)
        keras.config.set_dtype_policy("mixed_bfloat16" if self.half else "float32")
        self.model = registry.get("classify", self.name).build(config, self.spec)
        keras.config.set_dtype_policy("float32")
        if self.half:
            logits = keras.layers.Activation("linear", dtype="float32")(self.model.output)
            self.model = keras.Model(self.model.input, logits)
        objective = objectives.make("classify", self.recipe, self.spec, self.model)
        told = self.recipe
        self.steps = steps.compile_steps(
            self.model,
            optimizers.make(told),
            objective,
            told.global_clipnorm,
            told.clipvalue,
            averaging.WeightAverage(self.model, told),
            told.jit_compile,
        )
        self.groups = reading.groups(self.processed, self.spec, "train", list(input_signature(self.model)))
        self.augment = augment.make("classify", self.recipe, self.spec)
        self.epochs = 0  # fed so far
        self._turns: tuple[Any, int] | None = None  # the running pipeline, and its batches an epoch

    @property
    def weights(self) -> int:
        """How many numbers are trained."""
        return sum(int(np.prod(variable.shape)) for variable in self.model.trainable_variables)

    def feed(self, epochs: int = 1) -> Any:
        """The next epochs, as training gets them: a `training.data.TrainBatches`."""
        from strokecast.training import data

        first = self.epochs
        self.epochs += epochs
        return data.train_batches(
            self.groups,
            self.recipe.batch_size,
            1,
            self.epochs,
            first,
            self.augment,
            self.recipe.max_tokens_per_batch,
        )

    def train(self, batch: tuple[Any, Any, Any]) -> None:
        """One step of training, as the loop takes it."""
        inputs, target, _ = batch
        self.steps.train(inputs, target, np.float32(1e-4))
        self.steps.detector.check(self.epochs, 0, self.name)

    def warm(self) -> None:
        """Trace, and see each bucket once."""
        seen = set()
        for batch in self.feed().dataset:
            steps = batch[0]["strokes"].shape[1]
            if steps not in seen:
                self.train(batch)
                seen.add(steps)
            if len(seen) == len(self.groups):
                break
        self.steps.read_totals()

    def epoch(self) -> tuple[float, float]:
        """Seconds, and seconds of processor time, that a whole epoch takes; one pipeline carries all, as in training."""
        batches = self._pass()
        started, used = time.perf_counter(), time.process_time()
        for batch in batches:
            self.train(batch)
        self.steps.read_totals()
        return time.perf_counter() - started, time.process_time() - used

    def loading(self) -> float:
        """Seconds that the batches of a whole epoch take when nothing trains on them, of the same pipeline."""
        batches = self._pass()
        started = time.perf_counter()
        for _ in batches:
            pass
        return time.perf_counter() - started

    def _pass(self) -> Any:
        """The next epoch's batches; one pipeline carries all epochs, as in training."""
        if self._turns is None:
            feed = self.feed(_MANY)
            self._turns = iter(feed.dataset), feed.steps
        batches, steps = self._turns
        return itertools.islice(batches, steps)

    def examples(self) -> int:
        """Drawings an epoch."""
        return sum(group.count for group in self.groups)

    def step_seconds(self, batch: int, repeats: int = 5) -> tuple[float, float]:
        """First call's, and the median later call's seconds of a step on one batch of the fullest bucket."""
        import tensorflow as tf

        group = max(self.groups, key=lambda group: group.count)
        records = tf.data.TFRecordDataset(list(group.files)).repeat().batch(batch).map(group.parse)
        one = next(iter(records))
        times = []
        for _ in range(1 + repeats):
            started = time.perf_counter()
            self.train(one)
            self.steps.totals.numpy()
            times.append(time.perf_counter() - started)
        return times[0], float(np.median(times[1:]))


@dataclass(frozen=True)
class Course:
    """A whole training: seconds until the end of each epoch, validation accuracy there, accuracy on test.

    Ours counts its validations, the plain script's are left out.
    """

    seconds: list[float]
    accuracy: list[float]
    test: float

    def to(self, accuracy: float) -> float | None:
        """Seconds until validation first showed `accuracy`; None: never."""
        return next(
            (s for s, found in zip(self.seconds, self.accuracy, strict=True) if found >= accuracy), None
        )


def train(name: str, config: Mapping[str, Any], told: ClassifyRecipe, processed: Path, seed: int) -> Course:
    """Train as a stage does, and look at test."""
    import tempfile

    from strokecast.features.records import spec as specs
    from strokecast.inference import networks, split_predictions
    from strokecast.training import run
    from strokecast.training.job import TrainingJob

    rows: list[Mapping[str, float | int]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        job = TrainingJob.create("classify", name, seed, config, told)
        run.train_network(job, processed, folder, rows.append, "cpu", checkpoint_dir=folder / "record")
        network = networks.load_network(folder)
        spec = specs.load(processed, "classify")
        _, labels, logits = split_predictions.predict_split(network, processed, spec, "test")
    return Course(
        [float(row["seconds"]) for row in rows],
        [float(row["valid_accuracy"]) for row in rows],
        float((logits.argmax(axis=1) == labels).mean()),
    )
