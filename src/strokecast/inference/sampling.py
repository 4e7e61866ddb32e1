"""Drawings sampled point by point from trained networks of the task draw.

Source: Ha and Eck, 2017, https://arxiv.org/abs/1704.03477, sections 3.2 to 3.4.

Shapes: n drawings, n_i points of drawing i, Z latent dimensions, M mixture components, D size of the condition. A drawing
is float32 [n_i, 3], (dx, dy, pen_lift), in units of the training split's standard deviation, as in training. TensorFlow
is imported inside the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

Drawings = list[NDArray[np.float32]]
CLASS_EMBEDDING, LATENT = "class_embedding", "latent"  # layer names

_GRAPHS: WeakKeyDictionary[Any, dict[int, Any]] = WeakKeyDictionary()  # network → max_points → graph
_ENCODERS: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()  # network → graph of its encoder


def is_conditional(network: Any) -> bool:
    """Whether the network draws a given class."""
    return any(tensor.name == "label" for tensor in network.inputs)


def latent_size(network: Any) -> int | None:
    """Z; None if the network has no latent vector."""
    layers = [layer for layer in network.layers if layer.name == LATENT]
    return int(layers[0].output.shape[-1]) if layers else None


def sample(
    network: Any,
    labels: int | Sequence[int] | NDArray[np.integer],
    temperature: float,
    seed: int,
    max_points: int,
    z: NDArray[np.floating] | None = None,
) -> Drawings:
    """Sample drawings. All drawings are sampled in parallel in one graph until each pen state is "end".

    Temperature t divides the logits of pen states and mixture components by t and multiplies variances by t: 1 samples
    the network's own density, lower values more likely drawings, 0 the mode of each step, which does not depend on the
    seed. Every drawing has at least one point, and its last point lifts the pen.

    Args:
        network: of the task draw, trained or loaded.
        labels: n class numbers; for an unconditional network the number n of drawings.
        temperature: 0 or more.
        seed: the same seed gives the same drawings on the same machine.
        max_points: drawings without an end are cut off here, 1 or more.
        z: [n, Z], latent vectors; None: sampled from N(0, 1) if the network has a latent vector. The temperature does
            not affect them.

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
    drawings = []
    for row, end in zip(points.numpy(), length.numpy().tolist(), strict=True):
        drawing = row[:end].copy()
        drawing[-1, 2] = 1.0
        drawings.append(drawing)
    return drawings


def encode(network: Any, drawings: Sequence[NDArray[np.floating]]) -> NDArray[np.float32]:
    """The latent means of drawings, float32 [n, Z].

    Raises:
        ValueError: if the network has no latent vector.
    """
    if latent_size(network) is None:
        raise ValueError("the network has no latent vector to encode into")
    length = np.array([len(drawing) for drawing in drawings], np.int32)
    strokes = np.zeros((len(drawings), int(length.max()), 3), np.float32)
    for row, drawing in zip(strokes, drawings, strict=True):
        row[: len(drawing)] = drawing
    mean: NDArray[np.float32] = _encoder(network)({"strokes": strokes, "length": length}).numpy()
    return mean


def _encoder(network: Any) -> Callable[[dict[str, Any]], Any]:
    """`inputs -> latent mean` as one graph, traced once per network."""
    import keras

    from strokecast.inference.networks import inference_function

    if network not in _ENCODERS:
        inputs = {tensor.name: tensor for tensor in network.inputs if tensor.name != "label"}
        encoder = keras.Model(inputs, network.get_layer("latent_mean").output)
        _ENCODERS[network] = inference_function(encoder)
    graph: Callable[[dict[str, Any]], Any] = _ENCODERS[network]
    return graph


def reconstruct(
    network: Any,
    drawings: Sequence[NDArray[np.floating]],
    labels: Sequence[int] | NDArray[np.integer] | None,
    temperature: float,
    seed: int,
    max_points: int,
) -> Drawings:
    """Encode drawings to their latent means and decode these.

    Args:
        network: with a latent vector.
        drawings: [n_i, 3] each, scaled.
        labels: their n class numbers; None for an unconditional network.
        temperature: as for `sample`.
        seed: as for `sample`.
        max_points: as for `sample`.

    Raises:
        ValueError: as `encode` and `sample`.
    """
    requested = len(drawings) if labels is None else labels
    return sample(network, requested, temperature, seed, max_points, encode(network, drawings))


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
    """Drawings along the arc between the latent means of two drawings.

    Args:
        network: with a latent vector.
        first: [n_1, 3], scaled.
        second: [n_2, 3], scaled.
        label: class number of all drawings; None for an unconditional network.
        steps: number of drawings including both ends; 2 or more.
        temperature: as for `sample`.
        seed: as for `sample`.
        max_points: as for `sample`.

    Returns:
        `steps` drawings.

    Raises:
        ValueError: as `encode` and `sample`, and for fewer than 2 steps.
    """
    if steps < 2:
        raise ValueError(f"steps should be 2 or more, received {steps}")
    ends = encode(network, [first, second])
    z = np.stack([slerp(ends[0], ends[1], fraction) for fraction in np.linspace(0.0, 1.0, steps)])
    return sample(network, steps if label is None else [label] * steps, temperature, seed, max_points, z)


def slerp(first: NDArray[np.floating], second: NDArray[np.floating], fraction: float) -> NDArray[np.float32]:
    """Spherical interpolation (White, 2016, https://arxiv.org/abs/1609.04468); linear between parallel vectors.

    Args:
        first: [Z].
        second: [Z].
        fraction: 0 gives `first`, 1 gives `second`.

    Returns:
        float32 [Z].
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    norm = np.linalg.norm(a) * np.linalg.norm(b)
    angle = float(np.arccos(np.clip(a @ b / norm, -1.0, 1.0))) if norm else 0.0
    if np.sin(angle) < 1e-6:
        return ((1.0 - fraction) * a + fraction * b).astype(np.float32)
    weighted = np.sin((1.0 - fraction) * angle) * a + np.sin(fraction * angle) * b
    return (weighted / np.sin(angle)).astype(np.float32)


def _condition(network: Any, labels: Any, seed: int, z: NDArray[np.floating] | None) -> NDArray[np.float32]:
    """The decoder's condition, [n, D]: z, the class embedding, or both, in this order."""
    is_count = np.ndim(labels) == 0
    if is_count == is_conditional(network):
        expected = "class numbers" if is_count else "the number of drawings for an unconditional network"
        raise ValueError(f"labels should be {expected}, received {labels!r}")
    count = int(labels) if is_count else len(labels)
    size, blocks = latent_size(network), []
    if z is not None and (size is None or np.shape(z) != (count, size)):
        raise ValueError(f"z should be {[count, size] if size else None}, received {list(np.shape(z))}")
    if size is not None:
        latent = np.random.default_rng(seed).standard_normal((count, size)) if z is None else z
        blocks.append(np.asarray(latent, np.float32))
    if not is_count:
        numbers, embedding = np.asarray(labels, np.int64), network.get_layer(CLASS_EMBEDDING)
        if len(numbers) and not (numbers.min() >= 0 and numbers.max() < embedding.input_dim):
            raise ValueError(f"labels should be 0 to {embedding.input_dim - 1}, received {numbers.tolist()}")
        blocks.append(embedding.embeddings.numpy()[numbers])
    return np.concatenate(blocks, axis=1)


def _graph(network: Any, max_points: int) -> Callable[[Any, Any, Any], tuple[Any, Any]]:
    """`_loop` as a graph, traced once per network and `max_points` for any number of drawings."""
    import tensorflow as tf

    from strokecast.models.layers.decoder import HIDDEN

    graphs = _GRAPHS.setdefault(network, {})
    if max_points not in graphs:
        size = network.get_layer(HIDDEN).kernel.shape[0]
        types = [((None, size), tf.float32), ((), tf.float32), ((), tf.int64)]
        graphs[max_points] = tf.function(
            _loop(network, max_points),
            input_signature=[tf.TensorSpec(shape, dtype) for shape, dtype in types],
            autograph=False,
        )
    return graphs[max_points]


def _loop(network: Any, max_points: int) -> Callable[[Any, Any, Any], tuple[Any, Any]]:
    """(condition [n, D], temperature [], seed []) → (points [n, max_points, 3], lengths int32 [n])."""
    import tensorflow as tf

    from strokecast.models.layers import mixture
    from strokecast.models.layers.decoder import CELL, DECODER, HIDDEN, MIXTURE
    from strokecast.models.layers.stroke5 import start_token

    hidden, cell, decoder, head = (network.get_layer(name) for name in (HIDDEN, CELL, DECODER, MIXTURE))

    def run(condition: Any, temperature: Any, seed: Any) -> tuple[Any, Any]:
        count = tf.shape(condition)[0]

        def step(
            time: Any, point: Any, states: Any, length: Any, active: Any, points: Any
        ) -> tuple[Any, Any, Any, Any, Any, Any]:
            output, states = decoder.cell(tf.concat([point, condition], axis=1), states, training=False)
            density = mixture.split(head(output))  # [n, ...]
            step_seed = tf.stack([seed, tf.cast(time, tf.int64) * 3])
            move = _sample_move(density, temperature, step_seed)  # [n, 2]
            no_end = tf.where(time > 0, 0.0, -1e9) * tf.constant([0.0, 0.0, 1.0])  # at the first step
            pen = _sample_category(
                density.pen + no_end, temperature, step_seed + tf.constant([0, 2], tf.int64)
            )
            active &= pen < 2
            lift = tf.cast(pen == 1, tf.float32)[:, None]
            points = points.write(time, tf.concat([move, lift], axis=1))
            length += tf.cast(active, tf.int32)
            return time + 1, tf.concat([move, tf.one_hot(pen, 3)], axis=1), states, length, active, points

        initial = (
            tf.constant(0),
            tf.tile(start_token()[None], (count, 1)),
            [hidden(condition), cell(condition)],
            tf.zeros(count, tf.int32),
            tf.fill([count], True),
            tf.TensorArray(tf.float32, max_points, element_shape=(None, 3)),
        )
        final = tf.while_loop(
            lambda time, point, states, length, active, points: (time < max_points) & tf.reduce_any(active),
            step,
            initial,
        )
        steps, length, points = final[0], final[3], final[5]
        return tf.transpose(points.gather(tf.range(steps)), (1, 0, 2)), length  # [n, steps, 3], [n]

    return run


def _sample_category(logits: Any, temperature: Any, seed: Any) -> Any:
    """Categories by the Gumbel-max trick, int32 [n]: argmax of logits + temperature * noise.

    Their probabilities are softmax(logits / temperature); temperature 0 gives the most likely category.
    """
    import tensorflow as tf

    uniform = tf.random.stateless_uniform(tf.shape(logits), seed, 1e-20, 1.0)
    noise = -tf.math.log(-tf.math.log(uniform))
    return tf.argmax(logits + temperature * noise, axis=-1, output_type=tf.int32)


def _sample_move(density: Any, temperature: Any, seed: Any) -> Any:
    """Moves from a sampled component of each mixture, float32 [n, 2]."""
    import tensorflow as tf

    component = _sample_category(density.weight, temperature, seed)
    mean_x, mean_y, log_x, log_y, correlation = (
        tf.gather(values, component, batch_dims=1) for values in density[2:]
    )
    noise = tf.random.stateless_normal((2, tf.shape(component)[0]), seed + tf.constant([0, 1], tf.int64))
    noise *= tf.sqrt(temperature)
    correlated = correlation * noise[0] + tf.sqrt(1.0 - tf.square(correlation)) * noise[1]
    return tf.stack([mean_x + tf.exp(log_x) * noise[0], mean_y + tf.exp(log_y) * correlated], axis=1)
