"""Measure and plot how far back in time gradients reach, with and without each remedy.

.venv/bin/python docs/gradients.py measure [folder]    # writes gradients.csv and gradients.json; takes minutes
.venv/bin/python docs/gradients.py draw [folder]       # writes gradients.svg from gradients.csv; takes seconds

Measured per network, before and after training: the norm of d loss / d h_t, where h_t is the state after point t, as the
median over drawings. All drawings are cut to the same number of points, so there is no padding.

Shape legend: B drawings, T points, S steps of the recurrent layer (T, or fewer after convolutions), U units, K classes.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "figures"
COLUMNS = ("network", "trained", "point", "norm")
CLASSES = ("bear", "cat", "cloud", "flower", "rabbit")  # doodles with many points
SEED = 7


@dataclass(frozen=True)
class Network:
    """One line of the figure.

    Attributes:
        cell: `cell(units)` returns the recurrent cell.
        strides: strides of the convolutions before the recurrent layer.
        attention: pool all states by attention instead of reading the last one.
        global_clipnorm: maximum global norm of the gradients; None: no clipping.
        learning_rate: learning rate of Adam.
    """

    cell: Callable[[int], Any]
    strides: tuple[int, ...] = ()
    attention: bool = False
    global_clipnorm: float | None = None
    learning_rate: float = 0.003


def networks() -> dict[str, Network]:
    """Return each remedy and the plain recurrent network without it."""
    import keras

    from strokecast.models.layers.layer_norm_lstm import LayerNormLSTMCell

    def glorot(units: int) -> Any:
        initializer = keras.initializers.GlorotUniform(seed=SEED)
        return keras.layers.SimpleRNNCell(units, recurrent_initializer=initializer)

    def simple(units: int) -> Any:
        return keras.layers.SimpleRNNCell(units)

    def relu(units: int) -> Any:
        initializer = keras.initializers.HeNormal(seed=SEED)
        return keras.layers.SimpleRNNCell(units, activation="relu", recurrent_initializer=initializer)

    return {
        "simple_rnn, glorot": Network(glorot),
        "simple_rnn": Network(simple),
        "relu": Network(relu, learning_rate=0.01),
        "relu, clipped": Network(relu, global_clipnorm=1.0, learning_rate=0.01),
        "lstm": Network(keras.layers.LSTMCell),
        "gru": Network(keras.layers.GRUCell),
        "layer_norm_lstm": Network(LayerNormLSTMCell),
        "strided convolutions": Network(simple, strides=(2, 2, 2)),
        "attention": Network(simple, attention=True),
    }


def drawings(split: str, count: int, points: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return (strokes float32 [B, T, 3], labels int64 [B]): `count` doodles per class with at least T points.

    Raises:
        ValueError: if too few of 40 * `count` doodles have T points.
    """
    from strokecast.sources.sketches import doodles

    strokes, labels = [], []
    for number, label in enumerate(CLASSES):
        kept = 0
        for drawing in doodles.generate(label, split, 40 * count, SEED):
            if len(drawing) >= points and kept < count:
                kept += 1
                strokes.append(drawing[:points].astype(np.float32))
                labels.append(number)
        if kept < count:
            raise ValueError(f"{label}: {kept} of {count} drawings have {points} points or more")
    stacked = np.stack(strokes)
    stacked[..., :2] /= stacked[..., :2].std()
    order = np.random.default_rng(SEED).permutation(len(labels))
    return stacked[order], np.array(labels)[order]


class Probe:
    """A network that exposes the states of its recurrent layer."""

    def __init__(self, network: Network, units: int) -> None:
        import keras

        from strokecast.models.layers.attention import AttentionWeights

        keras.utils.set_random_seed(SEED)
        self.network = network
        self.convolutions = [
            keras.layers.Conv1D(units, 5, strides=stride, padding="same", activation="relu")
            for stride in network.strides
        ]
        self.cell = network.cell(units)
        self.attention = AttentionWeights(units) if network.attention else None
        self.head = keras.layers.Dense(len(CLASSES))
        self.optimizer = keras.optimizers.Adam(network.learning_rate)
        self.norms_function: Any = None

    def states(self, x: Any) -> list[Any]:
        """Return the S states h_t [B, U] for x [B, T, 3]."""
        import tensorflow as tf

        for layer in self.convolutions:
            x = layer(x)
        cell_states = self.cell.get_initial_state(batch_size=x.shape[0])
        states = []
        for step in tf.unstack(x, axis=1):
            state, cell_states = self.cell(step, cell_states)
            cell_states = [state, *cell_states[1:]]
            states.append(state)
        return states

    def losses(self, states: list[Any], labels: Any) -> Any:
        """Return the cross-entropy per drawing [B], nats, and the logits [B, K]."""
        import tensorflow as tf

        pooled = states[-1]
        if self.attention is not None:
            steps = tf.stack(states, axis=1)  # [B, S, U]
            weights = self.attention(steps, tf.ones(steps.shape[:2], bool))
            pooled = tf.einsum("bs,bsu->bu", weights, steps)
        logits = self.head(pooled)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits), logits

    def norms(self, x: Any, labels: Any) -> NDArray[np.float64]:
        """Return the median over drawings of |d loss / d h_t|, float64 [S]."""
        import tensorflow as tf

        if self.norms_function is None:
            self.norms_function = tf.function(self._norms)  # traced once for all calls
        norms = self.norms_function(tf.constant(x), tf.constant(labels)).numpy()  # [S, B]
        return np.median(norms.astype(np.float64), axis=1)

    def _norms(self, x: Any, labels: Any) -> Any:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            states = self.states(x)
            total = tf.reduce_sum(self.losses(states, labels)[0])
        return tf.norm(tf.stack(tape.gradient(total, states)), axis=2)  # [S, B]

    def train(self, x: Any, labels: Any, steps: int, batch: int) -> tuple[float, float]:
        """Train with Adam for `steps` batches; return the maximum and the median of the global gradient norm."""
        import tensorflow as tf

        @tf.function
        def train_step(batch_x: Any, batch_labels: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(self.losses(self.states(batch_x), batch_labels)[0])
            weights = tape.watched_variables()
            gradients = tape.gradient(loss, weights)
            norm = tf.linalg.global_norm(gradients)
            if self.network.global_clipnorm is not None:
                gradients, _ = tf.clip_by_global_norm(gradients, self.network.global_clipnorm, norm)
            self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
            return norm

        random = np.random.default_rng(SEED)
        norms = []
        for _ in range(steps):
            rows = random.integers(0, len(x), batch)
            norms.append(float(train_step(tf.constant(x[rows]), tf.constant(labels[rows]))))
        return max(norms), float(np.median(norms))

    def accuracy(self, x: Any, labels: Any) -> float:
        """Return the share of drawings whose most probable class is the true one."""
        import tensorflow as tf

        logits = self.losses(self.states(tf.constant(x)), labels)[1]
        return float(np.mean(logits.numpy().argmax(axis=1) == labels))


def measure(folder: Path, points: int = 48, units: int = 64, steps: int = 150, train: int = 80) -> None:
    """Write `gradients.csv` (one row per network and state) and `gradients.json` (a summary per network).

    Args:
        folder: output folder.
        points: T.
        units: U.
        steps: training steps, of 32 drawings each.
        train: training drawings per class; half as many validation drawings are measured.
    """
    x, labels = drawings("train", train, points)
    valid_x, valid_labels = drawings("valid", train // 2, points)
    rows: list[dict[str, Any]] = []
    summaries = {}
    for name, network in networks().items():
        probe = Probe(network, units)
        stride = int(np.prod(network.strides, dtype=int))
        first_over_last = {}
        for trained in (0, steps):
            maximum, median = probe.train(x, labels, trained, 32) if trained else (0.0, 0.0)
            norms = probe.norms(valid_x, valid_labels)
            first_over_last[trained] = float(f"{norms[0] / norms[-1]:.2g}")
            rows += [
                {"network": name, "trained": trained, "point": (step + 1) * stride, "norm": f"{norm:.4g}"}
                for step, norm in enumerate(norms)
            ]
        summaries[name] = {
            "first_over_last_untrained": first_over_last[0],
            "first_over_last_trained": first_over_last[steps],
            "largest_gradient": float(f"{maximum:.2g}"),
            "median_gradient": float(f"{median:.2g}"),
            "accuracy": round(probe.accuracy(valid_x, valid_labels), 3),
        }
        print(name, summaries[name], flush=True)
    with (folder / "gradients.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    about = {"points": points, "units": units, "steps": steps, "drawings": len(x), "measured": len(valid_x)}
    text = json.dumps({"about": about, "networks": summaries}, indent=1)
    (folder / "gradients.json").write_text(text + "\n", encoding="utf-8")


def draw(table: Path, path: Path) -> None:
    """Write the figure as SVG with selectable text. Equal tables give equal bytes."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "gradients", "font.size": 9}):
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        stages = list(dict.fromkeys(row["trained"] for row in rows))
        figure, panels = plt.subplots(1, len(stages), figsize=(9.6, 3.8), sharey=True, layout="constrained")
        for axes, trained in zip(panels, stages, strict=True):
            for number, name in enumerate(dict.fromkeys(row["network"] for row in rows)):
                network_rows = [row for row in rows if (row["network"], row["trained"]) == (name, trained)]
                norms = np.array([float(row["norm"]) for row in network_rows])
                style = {"color": f"C{number}", "linestyle": ("-", "--")[number % 2], "linewidth": 1.5}
                axes.plot([int(row["point"]) for row in network_rows], norms / norms[-1], label=name, **style)
            axes.set_yscale("log")
            axes.set_title("before training" if trained == "0" else f"after {trained} steps", loc="left")
            axes.set_xlabel("point t of the drawing")
            axes.grid(color="#dddddd", linewidth=0.6)
        panels[0].set_ylabel("|d loss / d h_t|, last state = 1")
        panels[-1].legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


if __name__ == "__main__":
    directory = Path(sys.argv[2]) if len(sys.argv) > 2 else FOLDER
    if sys.argv[1:2] == ["measure"]:
        measure(directory)
    elif sys.argv[1:2] == ["draw"]:
        draw(directory / "gradients.csv", directory / "gradients.svg")
    else:
        sys.exit("usage: docs/gradients.py measure|draw [folder]")
