"""Drawings from trained networks of `draw`, a point at a time.

Source: Ha and Eck, 2017, https://arxiv.org/abs/1704.03477, sections 3.2 to 3.4.

Shapes: n drawings, n_i points of drawing i, Z latent numbers, M mixtures. A drawing is float32 [n_i, 3],
(dx, dy, pen_lift), in units of the training split's standard deviation, as the network was trained on it.
TensorFlow is imported inside the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

Drawings = list[NDArray[np.float32]]
CLASS, LATENT = "class_embedding", "latent"

_TRACED: WeakKeyDictionary[Any, dict[int, Any]] = WeakKeyDictionary()  # network → max_points → graph


def conditional(network: Any) -> bool:
    """Whether a class can be asked of the network."""
    return any(tensor.name == "label" for tensor in network.inputs)


def latent_size(network: Any) -> int | None:
    """Z; None where the network has no latent vector."""
    found = [layer for layer in network.layers if layer.name == LATENT]
    return int(found[0].output.shape[-1]) if found else None


def sample(
    network: Any,
    labels: int | Sequence[int] | NDArray[np.integer],
    temperature: float,
    seed: int,
    max_points: int,
    z: NDArray[np.floating] | None = None,
) -> Drawings:
    """Draw. All drawings grow side by side in one graph; each ends where its pen says so.

    Temperature t divides the logits of pen and components by t and multiplies variances by t: at 1 the
    network's own density, below it what is more likely, at 0 its mode, the same whatever the seed.
    No drawing ends before its first point. The last point of each lifts the pen.

    Args:
        network: of `draw`, as it was trained or loaded.
        labels: n class numbers; for a network that knows no class, their number n.
        temperature: 0 or more.
        seed: the same seed gives the same drawings, on one machine.
        max_points: where a drawing that has not ended is cut off, 1 or more.
        z: [n, Z], latent vectors; None: drawn from N(0, 1) where the network has one. The temperature
            does not touch them.

    Returns:
        n drawings, float32 [n_i, 3] with 1 <= n_i <= max_points.

    Raises:
        ValueError: if labels, z, temperature or max_points do not fit the network or their range.
    """
    import tensorflow as tf

    if not temperature >= 0 or max_points < 1:
        raise ValueError(
            f"temperature should be 0 or more and max_points 1 or more, received {temperature}, {max_points}"
        )
    condition = _condition(network, labels, seed, z)
    if not len(condition):
        return []
    points, length = _graph(network, max_points)(
        condition, tf.constant(temperature, tf.float32), tf.constant(seed, tf.int64)
    )
    found = points.numpy()  # [n, max_points, 3]
    drawings = []
    for row, end in zip(found, length.numpy().tolist(), strict=True):
        drawing = row[:end].copy()
        drawing[-1, 2] = 1.0
        drawings.append(drawing)
    return drawings


def encode(network: Any, drawings: Sequence[NDArray[np.floating]]) -> NDArray[np.float32]:
    """The mean of z of drawings, float32 [n, Z].

    Raises:
        ValueError: if the network has no latent vector.
    """
    import keras

    if latent_size(network) is None:
        raise ValueError("the network has no latent vector to encode into")
    length = np.array([len(drawing) for drawing in drawings], np.int32)
    strokes = np.zeros((len(drawings), int(length.max()), 3), np.float32)
    for row, drawing in zip(strokes, drawings, strict=True):
        row[: len(drawing)] = drawing
    named = {tensor.name: tensor for tensor in network.inputs if tensor.name != "label"}
    encoder = keras.Model(named, network.get_layer("latent_mean").output)
    mean: NDArray[np.float32] = encoder({"strokes": strokes, "length": length}, training=False).numpy()
    return mean


def reconstruct(
    network: Any,
    drawings: Sequence[NDArray[np.floating]],
    labels: Sequence[int] | NDArray[np.integer] | None,
    temperature: float,
    seed: int,
    max_points: int,
) -> Drawings:
    """Drawings, through the mean of their latent vectors and back.

    Args:
        network: with a latent vector.
        drawings: [n_i, 3] each, scaled.
        labels: their n class numbers; None for a network that knows no class.
        temperature: as for `sample`.
        seed: as for `sample`.
        max_points: as for `sample`.

    Raises:
        ValueError: as `encode` and `sample` do.
    """
    asked = len(drawings) if labels is None else labels
    return sample(network, asked, temperature, seed, max_points, encode(network, drawings))


def interpolate(
    network: Any,
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    label: int | None,
    steps: int,
    temperature: float,
    seed: int,
    max_points: int,
) -> Drawings:
    """Drawings on the way from one to another, along the arc between their latent vectors.

    Args:
        network: with a latent vector.
        first: [n_1, 3], scaled.
        second: [n_2, 3], scaled.
        label: class number of all drawings on the way; None for a network that knows no class.
        steps: drawings, both ends included; 2 or more.
        temperature: as for `sample`.
        seed: as for `sample`.
        max_points: as for `sample`.

    Returns:
        `steps` drawings.

    Raises:
        ValueError: as `encode` and `sample` do, and on fewer than 2 steps.
    """
    if steps < 2:
        raise ValueError(f"steps should be 2 or more, received {steps}")
    ends = encode(network, [first, second])
    z = np.stack([slerp(ends[0], ends[1], share) for share in np.linspace(0.0, 1.0, steps)])
    return sample(network, steps if label is None else [label] * steps, temperature, seed, max_points, z)


def slerp(first: NDArray[np.floating], second: NDArray[np.floating], share: float) -> NDArray[np.float32]:
    """Spherical interpolation (White, 2016, https://arxiv.org/abs/1609.04468); linear between parallels.

    Args:
        first: [Z].
        second: [Z].
        share: 0 gives `first`, 1 gives `second`.

    Returns:
        float32 [Z].
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    size = np.linalg.norm(a) * np.linalg.norm(b)
    angle = float(np.arccos(np.clip(a @ b / size, -1.0, 1.0))) if size else 0.0
    if np.sin(angle) < 1e-6:
        return ((1.0 - share) * a + share * b).astype(np.float32)
    mixed = np.sin((1.0 - share) * angle) * a + np.sin(share * angle) * b
    return (mixed / np.sin(angle)).astype(np.float32)


def _condition(network: Any, labels: Any, seed: int, z: NDArray[np.floating] | None) -> NDArray[np.float32]:
    """What is asked of the decoder, [n, D]: z, the class's embedding, or both, in this order."""
    counted = np.ndim(labels) == 0
    if counted == conditional(network):
        need = "the numbers of the classes to draw" if counted else "how many to draw: it knows no class"
        raise ValueError(f"labels should be {need}, received {labels!r}")
    count = int(labels) if counted else len(labels)
    size, parts = latent_size(network), []
    if z is not None and (size is None or np.shape(z) != (count, size)):
        raise ValueError(f"z should be {[count, size] if size else None}, received {list(np.shape(z))}")
    if size is not None:
        drawn = np.random.default_rng(seed).standard_normal((count, size)) if z is None else z
        parts.append(np.asarray(drawn, np.float32))
    if not counted:
        asked, known = np.asarray(labels, np.int64), network.get_layer(CLASS)
        if len(asked) and not (asked.min() >= 0 and asked.max() < known.input_dim):
            raise ValueError(f"labels should be 0 to {known.input_dim - 1}, received {asked.tolist()}")
        parts.append(known.embeddings.numpy()[asked])
    return np.concatenate(parts, axis=1)


def _graph(network: Any, max_points: int) -> Callable[[Any, Any, Any], tuple[Any, Any]]:
    """`_loop` as a graph, traced once a network for any number of drawings."""
    import tensorflow as tf

    from strokecast.models.layers.decoder import HIDDEN

    traced = _TRACED.setdefault(network, {})
    if max_points not in traced:
        size = network.get_layer(HIDDEN).kernel.shape[0]
        types = [((None, size), tf.float32), ((), tf.float32), ((), tf.int64)]
        traced[max_points] = tf.function(
            _loop(network, max_points),
            input_signature=[tf.TensorSpec(shape, dtype) for shape, dtype in types],
            autograph=False,
        )
    return traced[max_points]


def _loop(network: Any, max_points: int) -> Callable[[Any, Any, Any], tuple[Any, Any]]:
    """(condition [n, D], temperature [], seed []) → (points [n, max_points, 3], their number int32 [n])."""
    import tensorflow as tf

    from strokecast.models.layers import mixture
    from strokecast.models.layers.decoder import CELL, DECODER, HIDDEN, MIXTURE
    from strokecast.models.layers.stroke5 import start_token

    hidden, cell, decoder, head = (network.get_layer(name) for name in (HIDDEN, CELL, DECODER, MIXTURE))

    def run(condition: Any, temperature: Any, seed: Any) -> tuple[Any, Any]:
        count = tf.shape(condition)[0]

        def step(
            time: Any, point: Any, states: Any, length: Any, open_: Any, drawn: Any
        ) -> tuple[Any, Any, Any, Any, Any, Any]:
            seen, states = decoder.cell(tf.concat([point, condition], axis=1), states, training=False)
            density = mixture.split(head(seen))  # [n, ...]
            own = tf.stack([seed, tf.cast(time, tf.int64) * 3])  # each step's draws are its own
            move = _move(density, temperature, own)  # [n, 2]
            barred = tf.where(time > 0, 0.0, -1e9) * tf.constant([0.0, 0.0, 1.0])  # the end, at first
            pen = _choice(density.pen + barred, temperature, own + tf.constant([0, 2], tf.int64))
            open_ &= pen < 2
            lift = tf.cast(pen == 1, tf.float32)[:, None]
            drawn = drawn.write(time, tf.concat([move, lift], axis=1))
            length += tf.cast(open_, tf.int32)
            return time + 1, tf.concat([move, tf.one_hot(pen, 3)], axis=1), states, length, open_, drawn

        first = (
            tf.constant(0),
            tf.tile(start_token()[None], (count, 1)),
            [hidden(condition), cell(condition)],
            tf.zeros(count, tf.int32),
            tf.fill([count], True),
            tf.TensorArray(tf.float32, max_points, element_shape=(None, 3)),
        )
        last = tf.while_loop(
            lambda time, point, states, length, open_, drawn: (time < max_points) & tf.reduce_any(open_),
            step,
            first,
        )
        steps, length, drawn = last[0], last[3], last[5]
        drawn = tf.transpose(drawn.gather(tf.range(steps)), (1, 0, 2))  # [n, steps, 3]
        return drawn, length

    return run


def _choice(logits: Any, temperature: Any, seed: Any) -> Any:
    """Categories by the Gumbel trick, int32 [n]: the largest of logits + temperature * noise.

    The same chances as softmax(logits / temperature), and still defined at 0.
    """
    import tensorflow as tf

    uniform = tf.random.stateless_uniform(tf.shape(logits), seed, 1e-20, 1.0)
    noise = -tf.math.log(-tf.math.log(uniform))
    return tf.argmax(logits + temperature * noise, axis=-1, output_type=tf.int32)


def _move(density: Any, temperature: Any, seed: Any) -> Any:
    """Moves from the chosen component of each mixture, float32 [n, 2]."""
    import tensorflow as tf

    chosen = _choice(density.weight, temperature, seed)
    mean_x, mean_y, log_x, log_y, correlation = (
        tf.gather(part, chosen, batch_dims=1) for part in density[2:]
    )
    noise = tf.random.stateless_normal((2, tf.shape(chosen)[0]), seed + tf.constant([0, 1], tf.int64))
    noise *= tf.sqrt(temperature)
    across = correlation * noise[0] + tf.sqrt(1.0 - tf.square(correlation)) * noise[1]
    return tf.stack([mean_x + tf.exp(log_x) * noise[0], mean_y + tf.exp(log_y) * across], axis=1)
