"""Measure how far back in time gradients reach, with and without each remedy, and draw it.

.venv/bin/python docs/gradients.py measure [folder]    # gradients.csv and gradients.json: some minutes
.venv/bin/python docs/gradients.py draw [folder]       # gradients.svg from gradients.csv, at once

Of each network: the norm of d loss / d h_t of a drawing, h_t the state after point t, the median over drawings; before
training and after it. Every drawing has the same number of points (its first ones), so that nothing is padded.

Shapes: B drawings, T points, S steps of the recurrent layer (T, or fewer after convolutions), U units, K classes.
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
CLASSES = ("bear", "cat", "cloud", "flower", "rabbit")  # whose doodles are long
SEED = 7


@dataclass(frozen=True)
class Network:
    """One line of the figure.

    Attributes:
        cell: `make(units)`, one step of the recurrent layer.
        strides: of the convolutions before it.
        attention: pool all states by attention; else the last state is read.
        clip: largest norm of all weights' gradients together; None: as it is.
        rate: learning rate.
    """

    cell: Callable[[int], Any]
    strides: tuple[int, ...] = ()
    attention: bool = False
    clip: float | None = None
    rate: float = 0.003


def networks() -> dict[str, Network]:
    """Each remedy beside the plain recurrent network that lacks it."""
    import keras

    from strokecast.models.layers.layer_norm_lstm import LayerNormLSTMCell

    def glorot(units: int) -> Any:
        spread = keras.initializers.GlorotUniform(seed=SEED)
        return keras.layers.SimpleRNNCell(units, recurrent_initializer=spread)

    def simple(units: int) -> Any:
        return keras.layers.SimpleRNNCell(units)

    def relu(units: int) -> Any:
        wide = keras.initializers.HeNormal(seed=SEED)
        return keras.layers.SimpleRNNCell(units, activation="relu", recurrent_initializer=wide)

    return {
        "simple_rnn, glorot": Network(glorot),
        "simple_rnn": Network(simple),
        "relu": Network(relu, rate=0.01),
        "relu, clipped": Network(relu, clip=1.0, rate=0.01),
        "lstm": Network(keras.layers.LSTMCell),
        "gru": Network(keras.layers.GRUCell),
        "layer_norm_lstm": Network(LayerNormLSTMCell),
        "strided convolutions": Network(simple, strides=(2, 2, 2)),
        "attention": Network(simple, attention=True),
    }


def drawings(split: str, count: int, points: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(strokes float32 [B, T, 3], labels int64 [B]) of doodles of at least T points, `count` a class."""
    from strokecast.sources.sketches import doodles

    strokes, labels = [], []
    for number, label in enumerate(CLASSES):
        found = 0
        for drawing in doodles.generate(label, split, 40 * count, SEED):
            if len(drawing) >= points and found < count:
                found += 1
                strokes.append(drawing[:points].astype(np.float32))
                labels.append(number)
        if found < count:
            raise ValueError(f"{label}: {found} of {count} drawings have {points} points or more")
    stacked = np.stack(strokes)
    stacked[..., :2] /= stacked[..., :2].std()
    order = np.random.default_rng(SEED).permutation(len(labels))
    return stacked[order], np.array(labels)[order]


class Probe:
    """A network whose states can be looked at one by one."""

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
        self.optimizer = keras.optimizers.Adam(network.rate)
        self.reach: Any = None

    def states(self, x: Any) -> list[Any]:
        """[B, T, 3] → S states h_t [B, U]."""
        import tensorflow as tf

        for layer in self.convolutions:
            x = layer(x)
        carried = self.cell.get_initial_state(batch_size=x.shape[0])
        seen = []
        for step in tf.unstack(x, axis=1):
            state, carried = self.cell(step, carried)
            carried = [state, *carried[1:]]
            seen.append(state)
        return seen

    def losses(self, seen: list[Any], labels: Any) -> Any:
        """Cross-entropy of each drawing [B], nats, and the logits [B, K]."""
        import tensorflow as tf

        pooled = seen[-1]
        if self.attention is not None:
            steps = tf.stack(seen, axis=1)  # [B, S, U]
            weights = self.attention(steps, tf.ones(steps.shape[:2], bool))
            pooled = tf.einsum("bs,bsu->bu", weights, steps)
        logits = self.head(pooled)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits), logits

    def norms(self, x: Any, labels: Any) -> NDArray[np.float64]:
        """Median over drawings of |d loss / d h_t|, float64 [S]."""
        import tensorflow as tf

        if self.reach is None:
            self.reach = tf.function(self._reach)  # traced once for all calls
        return np.median(self.reach(tf.constant(x), tf.constant(labels)).numpy().astype(np.float64), axis=1)

    def _reach(self, x: Any, labels: Any) -> Any:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            seen = self.states(x)
            total = tf.reduce_sum(self.losses(seen, labels)[0])
        return tf.norm(tf.stack(tape.gradient(total, seen)), axis=2)  # [S, B]

    def train(self, x: Any, labels: Any, steps: int, batch: int) -> tuple[float, float]:
        """Adam for `steps` batches: the largest norm of the weights' gradient seen, and the median of it."""
        import tensorflow as tf

        @tf.function
        def run(some: Any, truth: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(self.losses(self.states(some), truth)[0])
            weights = tape.watched_variables()
            gradients = tape.gradient(loss, weights)
            norm = tf.linalg.global_norm(gradients)
            if self.network.clip is not None:
                gradients, _ = tf.clip_by_global_norm(gradients, self.network.clip, norm)
            self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
            return norm

        random = np.random.default_rng(SEED)
        norms = []
        for _ in range(steps):
            rows = random.integers(0, len(x), batch)
            norms.append(float(run(tf.constant(x[rows]), tf.constant(labels[rows]))))
        return max(norms), float(np.median(norms))

    def accuracy(self, x: Any, labels: Any) -> float:
        """Share of drawings whose likeliest class is the true one."""
        import tensorflow as tf

        logits = self.losses(self.states(tf.constant(x)), labels)[1]
        return float(np.mean(logits.numpy().argmax(axis=1) == labels))


def measure(folder: Path, points: int = 48, units: int = 64, steps: int = 150, train: int = 80) -> None:
    """Write `gradients.csv` (a row a network and state) and `gradients.json` (a few figures a network).

    Args:
        folder: where to.
        points: T.
        units: U.
        steps: of training, each on 32 drawings.
        train: drawings a class to train on; half as many are measured on.
    """
    x, labels = drawings("train", train, points)
    unseen, truth = drawings("valid", train // 2, points)
    rows: list[dict[str, Any]] = []
    told = {}
    for name, network in networks().items():
        probe = Probe(network, units)
        stride = int(np.prod(network.strides, dtype=int))
        reach = {}
        for trained in (0, steps):
            largest, typical = probe.train(x, labels, trained, 32) if trained else (0.0, 0.0)
            norms = probe.norms(unseen, truth)
            reach[trained] = float(f"{norms[0] / norms[-1]:.2g}")
            rows += [
                {"network": name, "trained": trained, "point": (step + 1) * stride, "norm": f"{norm:.4g}"}
                for step, norm in enumerate(norms)
            ]
        told[name] = {
            "first_over_last_untrained": reach[0],
            "first_over_last_trained": reach[steps],
            "largest_gradient": float(f"{largest:.2g}"),
            "median_gradient": float(f"{typical:.2g}"),
            "accuracy": round(probe.accuracy(unseen, truth), 3),
        }
        print(name, told[name], flush=True)
    with (folder / "gradients.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    about = {"points": points, "units": units, "steps": steps, "drawings": len(x), "measured": len(unseen)}
    text = json.dumps({"about": about, "networks": told}, indent=1)
    (folder / "gradients.json").write_text(text + "\n", encoding="utf-8")


def draw(table: Path, path: Path) -> None:
    """Write the figure as SVG with selectable text; equal tables give equal bytes."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "gradients", "font.size": 9})
    import matplotlib.pyplot as plt

    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    stages = list(dict.fromkeys(row["trained"] for row in rows))
    figure, panels = plt.subplots(1, len(stages), figsize=(9.6, 3.8), sharey=True, layout="constrained")
    for axes, trained in zip(panels, stages, strict=True):
        for number, name in enumerate(dict.fromkeys(row["network"] for row in rows)):
            mine = [row for row in rows if (row["network"], row["trained"]) == (name, trained)]
            norms = np.array([float(row["norm"]) for row in mine])
            style = {"color": f"C{number}", "linestyle": ("-", "--")[number % 2], "linewidth": 1.5}
            axes.plot([int(row["point"]) for row in mine], norms / norms[-1], label=name, **style)
        axes.set_yscale("log")
        axes.set_title("before training" if trained == "0" else f"after {trained} steps", loc="left")
        axes.set_xlabel("point t of the drawing")
        axes.grid(color="#dddddd", linewidth=0.6)
    panels[0].set_ylabel("|d loss / d h_t|, last state = 1")
    panels[-1].legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else FOLDER
    if sys.argv[1:2] == ["measure"]:
        measure(target)
    elif sys.argv[1:2] == ["draw"]:
        draw(target / "gradients.csv", target / "gradients.svg")
    else:
        sys.exit("usage: docs/gradients.py measure|draw [folder]")
