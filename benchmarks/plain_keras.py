"""The peer of `train.py`: a plain Keras script. Frozen: a change of it changes every published ratio.

The input are raw moves, all padded with zeros to the longest drawing of the data. Batches of 32 come from a shuffled
tf.data.Dataset; training is `compile` with default Adam, then `fit`. No masks, no augmentation. The networks have the
layers and sizes of `train_ours.CONFIGS`; `train.py` checks that the numbers of trainable weights are equal.

`conv_rnn` is the network of Géron, Hands-On Machine Learning, 3rd edition, chapter 15, exercise on SketchRNN drawings.
Its test accuracy after `CONV_RNN_EPOCHS` epochs has to lie within `CONV_RNN_TEST`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BATCH = 32
CONV_RNN_EPOCHS = 7
CONV_RNN_TEST = (0.785, 0.815)  # test accuracy


def pad(drawings: Sequence[NDArray[np.float32]], longest: int) -> NDArray[np.float32]:
    """Drawings [n_points, 3] right-padded with zeros: float32 [N, longest, 3]."""
    padded = np.zeros((len(drawings), longest, 3), np.float32)
    for row, drawing in zip(padded, drawings, strict=True):
        row[: len(drawing)] = drawing
    return padded


def dataset(strokes: NDArray[np.float32], labels: NDArray[np.int64], shuffle: bool) -> Any:
    """A tf.data.Dataset of batches of `BATCH`."""
    import tensorflow as tf

    examples = tf.data.Dataset.from_tensor_slices((strokes, labels))
    if shuffle:
        examples = examples.shuffle(len(labels))
    return examples.batch(BATCH).prefetch(tf.data.AUTOTUNE)


def conv_rnn(steps: int, classes: int) -> Any:
    """Three strided convolutions with batch normalisation, two LSTM layers."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((steps, 3)),
            layers.Conv1D(32, 5, strides=2, activation="relu"),
            layers.BatchNormalization(),
            layers.Conv1D(64, 5, strides=2, activation="relu"),
            layers.BatchNormalization(),
            layers.Conv1D(128, 3, strides=2, activation="relu"),
            layers.BatchNormalization(),
            layers.LSTM(128, return_sequences=True),
            layers.LSTM(128),
            layers.Dense(classes),
        ]
    )


def conv_bilstm(steps: int, classes: int) -> Any:
    """The network of TensorFlow's quickdraw tutorial."""
    import keras
    from keras import layers

    strokes = keras.Input((steps, 3))
    x = layers.Conv1D(48, 5, padding="same")(strokes)
    x = layers.Dropout(0.3)(x)
    x = layers.Conv1D(64, 5, padding="same")(x)
    x = layers.Dropout(0.3)(x)
    x = layers.Conv1D(96, 3, padding="same")(x)
    x = layers.Bidirectional(layers.LSTM(128, return_sequences=True))(x)
    x = layers.Bidirectional(layers.LSTM(128, return_sequences=True, dropout=0.3))(x)
    x = layers.Bidirectional(layers.LSTM(128, return_sequences=True, dropout=0.3))(x)
    x = keras.ops.sum(layers.Dropout(0.3)(x), axis=1)
    return keras.Model(strokes, layers.Dense(classes)(x))


def lstm(steps: int, classes: int) -> Any:
    """Two LSTM layers."""
    from keras import layers

    return _recurrent(layers.LSTM, steps, classes)


def gru(steps: int, classes: int) -> Any:
    """Two GRU layers."""
    from keras import layers

    return _recurrent(layers.GRU, steps, classes)


def _recurrent(layer: Any, steps: int, classes: int) -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((steps, 3)),
            layer(96, return_sequences=True),
            layer(96, dropout=0.1),
            layers.Dropout(0.1),
            layers.Dense(classes),
        ]
    )


def simple_rnn(steps: int, classes: int) -> Any:
    """Three SimpleRNN layers with layer normalisation."""
    import keras
    from keras import layers

    stack: list[Any] = [keras.Input((steps, 3))]
    for depth in range(3):
        rnn = layers.SimpleRNN(64, return_sequences=depth < 2, dropout=0.1 if depth else 0.0)
        stack += [rnn, layers.LayerNormalization()]
    return keras.Sequential([*stack, layers.Dropout(0.1), layers.Dense(classes)])


def layer_norm_lstm(steps: int, classes: int) -> Any:
    """Two LSTM layers with layer-normalised gates; the cell is strokecast's, because Keras has none."""
    import keras
    from keras import layers

    from strokecast.models.layers.layer_norm_lstm import LayerNormLSTMCell

    def cell(dropout: float) -> Any:
        return LayerNormLSTMCell(64, dropout=dropout, recurrent_dropout=0.1, dropout_kind="per_step")

    return keras.Sequential(
        [
            keras.Input((steps, 3)),
            layers.RNN(cell(0.0), return_sequences=True),
            layers.RNN(cell(0.1)),
            layers.Dropout(0.1),
            layers.Dense(classes),
        ]
    )


def attention_rnn(steps: int, classes: int) -> Any:
    """Two bidirectional GRU layers and additive attention pooling."""
    import keras
    from keras import layers

    strokes = keras.Input((steps, 3))
    x = layers.Bidirectional(layers.GRU(64, return_sequences=True))(strokes)
    x = layers.Bidirectional(layers.GRU(64, return_sequences=True, dropout=0.1))(x)
    x = layers.Dropout(0.1)(x)
    scores = layers.Dense(1, use_bias=False)(layers.Dense(64, activation="tanh")(x))
    pooled = keras.ops.sum(x * keras.ops.softmax(scores, axis=1), axis=1)
    return keras.Model(strokes, layers.Dense(classes)(pooled))


NETWORKS: dict[str, Callable[[int, int], Any]] = {
    "attention_rnn": attention_rnn,
    "conv_bilstm": conv_bilstm,
    "conv_rnn": conv_rnn,
    "gru": gru,
    "layer_norm_lstm": layer_norm_lstm,
    "lstm": lstm,
    "simple_rnn": simple_rnn,
}


def build(name: str, steps: int, classes: int) -> Any:
    """The compiled network for padded drawings of `steps` points."""
    import keras

    model = NETWORKS[name](steps, classes)
    model.compile(
        optimizer="adam",
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def seconds_per_step(model: Any, data: Any, steps: int, warmup: int = 3) -> tuple[float, float]:
    """Wall time and processor time of a step of `fit` in seconds: the mean of `steps` steps after `warmup` steps."""
    import keras

    class Clock(keras.callbacks.Callback):
        """Reads both clocks at the end of the warm-up and at the end of the last step."""

        first = last = (0.0, 0.0)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            now = time.perf_counter(), time.process_time()
            if batch == warmup - 1:
                self.first = now
            self.last = now

    clock = Clock()
    model.fit(data, steps_per_epoch=warmup + steps, verbose=0, callbacks=[clock])
    wall, processor = (end - start for end, start in zip(clock.last, clock.first, strict=True))
    return wall / steps, processor / steps


@dataclass(frozen=True)
class LearningCurve:
    """The course of a training.

    Attributes:
        seconds: time from the first step to the end of each epoch.
        accuracy: validation accuracy after each epoch.
        test: test accuracy at the end.
    """

    seconds: list[float]
    accuracy: list[float]
    test: float

    def seconds_to(self, accuracy: float) -> float | None:
        """Time until the validation accuracy was first at least `accuracy`; None if it never was."""
        epochs = zip(self.seconds, self.accuracy, strict=True)
        return next((seconds for seconds, reached in epochs if reached >= accuracy), None)


def train_conv_rnn(
    train: tuple[NDArray[np.float32], NDArray[np.int64]],
    valid: tuple[NDArray[np.float32], NDArray[np.int64]],
    test: tuple[NDArray[np.float32], NDArray[np.int64]],
    classes: int,
    epochs: int = CONV_RNN_EPOCHS,
) -> LearningCurve:
    """Train and test the plain `conv_rnn`. Tracing counts as training time, validation does not."""
    import keras

    class Clock(keras.callbacks.Callback):
        """Sums the time from the begin of each epoch to the begin of its validation."""

        def __init__(self) -> None:
            super().__init__()
            self.epoch_start = 0.0
            self.seconds: list[float] = []

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.epoch_start = time.perf_counter()

        def on_test_begin(self, logs: Any = None) -> None:
            self.seconds.append(sum(self.seconds[-1:]) + time.perf_counter() - self.epoch_start)

    keras.utils.set_random_seed(1)
    model, clock = build("conv_rnn", train[0].shape[1], classes), Clock()
    history = model.fit(
        dataset(*train, shuffle=True),
        validation_data=dataset(*valid, shuffle=False),
        epochs=epochs,
        verbose=0,
        callbacks=[clock],
    )
    _, test_accuracy = model.evaluate(dataset(*test, shuffle=False), verbose=0, callbacks=[])
    return LearningCurve(clock.seconds, history.history["val_accuracy"], test_accuracy)
