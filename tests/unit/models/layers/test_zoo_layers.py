"""Layers of the zoo against plain computations without padding."""

from typing import Any

import numpy as np
import pytest

T = 11
LENGTH = np.array([1, 4, 7, 10, 11], np.int32)
REAL = np.arange(T) < LENGTH[:, None]


@pytest.fixture(scope="module")
def strokes() -> np.ndarray:
    rng = np.random.default_rng(0)
    made = rng.normal(size=(5, T, 3)).astype(np.float32)
    made[:, :, 2] = made[:, :, 2] > 0.8
    made[~REAL] = 0
    return made


@pytest.fixture(scope="module")
def steps() -> np.ndarray:
    """Something on padding, too: layers must not look at it."""
    return np.random.default_rng(1).normal(size=(5, T, 8)).astype(np.float32)


def test_pooling_is_that_of_the_real_steps(steps: np.ndarray) -> None:
    from strokecast.models.layers.pooling import MaskedMax, MaskedMean

    mean, most = MaskedMean()(steps, REAL).numpy(), MaskedMax()(steps - 3, REAL).numpy()
    for row in range(5):
        alone = steps[row, : LENGTH[row]]
        np.testing.assert_allclose(mean[row], alone.mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(most[row], alone.max(axis=0) - 3, atol=1e-6)


def test_attention_weights_sum_to_one_over_real_steps(steps: np.ndarray) -> None:
    from strokecast.models.layers.attention import AttentionWeights, WeightedSum

    layer = AttentionWeights(6)
    weights = layer(steps, REAL).numpy()
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    assert not weights[~REAL].any()
    assert (weights[REAL] > 0).all()
    scores = np.tanh(steps @ layer.kernel.numpy() + layer.bias.numpy()) @ layer.context.numpy()[:, 0]
    for row in range(5):
        odds = np.exp(scores[row, : LENGTH[row]])
        np.testing.assert_allclose(weights[row, : LENGTH[row]], odds / odds.sum(), atol=1e-6)
    pooled = WeightedSum()(steps, weights).numpy()
    np.testing.assert_allclose(pooled, np.einsum("bt,btc->bc", weights, steps), atol=1e-6)


def test_attention_can_be_read_off_a_network(strokes: np.ndarray) -> None:
    from strokecast.models.common import registry
    from strokecast.models.layers.attention import attention_weights

    spec = {"classes": ["a", "b", "c"]}
    architecture = registry.get("classify", "attention_rnn")
    weights = attention_weights(architecture.build(architecture.testing, spec))
    assert weights.output_shape == (None, None)
    out = weights({"strokes": strokes, "length": LENGTH}).numpy()
    assert out.shape == (5, T)
    np.testing.assert_allclose(out.sum(axis=1), 1, atol=1e-6)
    assert not out[~REAL].any()
    with pytest.raises(ValueError, match="gru should have a layer 'attention'"):
        attention_weights(registry.get("classify", "gru").build(registry.config("classify", "gru", {}), spec))


def test_points_know_their_place_in_their_stroke() -> None:
    from strokecast.models.layers.transformer import StrokePositions

    lifts = np.array([0, 0, 1, 1, 0, 0, 1, 0], np.float32)
    points = np.zeros((1, 8, 3), np.float32)
    points[0, :, 2] = lifts
    layer = StrokePositions(3)
    layer.build((None, None, 8))
    table = np.arange(24, dtype=np.float32).reshape(3, 8)
    layer.table.assign(table)
    out = layer(np.zeros((1, 8, 8), np.float32), points).numpy()[0]

    def waves(place: int) -> list[float]:
        slow = [1.0, 1 / 1000]
        return [np.sin(place * f) for f in slow] + [np.cos(place * f) for f in slow]

    for t, (stroke, within) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1), (2, 2), (2, 0)]):
        np.testing.assert_allclose(out[t], np.array(waves(t) + waves(within)) + table[stroke], atol=1e-5)


def test_a_wavenet_block_sees_no_later_step(steps: np.ndarray) -> None:
    import keras

    from strokecast.models.layers.wavenet import gated_block

    x, real = keras.Input((None, 8)), keras.Input((None,), dtype="bool")
    model = keras.Model([x, real], gated_block(x, real, 3, 2, norm="layer", name="it"))
    plain = [part.numpy() for part in model([steps, REAL])]
    changed = steps.copy()
    changed[:, 6] *= -2
    for before, after in zip(plain, model([changed, REAL]), strict=True):
        moved = np.abs(after.numpy() - before).max(axis=(0, 2)) > 1e-7
        assert moved.tolist() == [t in (6, 8, 10) for t in range(T)]  # kernel 3, dilation 2


def test_a_line_is_drawn_where_it_is() -> None:
    from strokecast.models.layers.drawing import Positions
    from strokecast.models.layers.raster import Raster

    square = np.array([[[0, 0, 0], [4, 0, 0], [0, 4, 0], [-4, 0, 1], [2, -2, 1]]], np.float32)
    real = np.ones((1, 5), bool)
    image = Raster(9, 2.0)(Positions()(square, real), square, real).numpy()[0, :, :, 0]
    assert image.shape == (9, 9)
    # the sides lie on the middles of the pixels 1 and 7; the left one is not drawn
    inner = slice(1, 8)
    expected = np.zeros((9, 9))
    expected[1, inner] = expected[7, inner] = 1
    expected[inner, 7] = 1
    expected[4, 4] = 1  # a stroke of one point is a dot; nothing leads to it
    near = np.maximum.reduce([np.roll(expected, (a, b), (0, 1)) for a in (-1, 0, 1) for b in (-1, 0, 1)])
    np.testing.assert_allclose(image[expected == 1], 1, atol=1e-5)
    np.testing.assert_allclose(image[2, 2:6], 0.5, atol=1e-5)
    assert not image[near == 0].any()


@pytest.mark.parametrize("width", [0.7, 1.5, 3.0])
def test_pixels_hold_the_ink_of_their_nearest_line(strokes: np.ndarray, width: float) -> None:
    from strokecast.models.common import sketch_features
    from strokecast.models.layers.raster import Raster

    size = 12
    places = sketch_features.boxed(strokes, LENGTH)
    images = Raster(size, width)(places, strokes, REAL).numpy()[:, :, :, 0]
    for row, length in enumerate(LENGTH):
        ends = places[row, :length] * (size - 1 - width) / 2 + size / 2
        for y, x in np.ndindex(size, size):
            pixel, nearest = np.array([x + 0.5, y + 0.5]), np.inf
            for t in range(length):
                start = ends[t] if t == 0 or strokes[row, t - 1, 2] > 0.5 else ends[t - 1]
                line = ends[t] - start
                share = np.clip((pixel - start) @ line / max(line @ line, 1e-12), 0, 1)
                nearest = min(nearest, float(np.hypot(*(pixel - start - share * line))))
            assert images[row, y, x] == pytest.approx(np.clip((width + 1) / 2 - nearest, 0, 1), abs=2e-3)


def test_numpy_draws_what_the_network_draws(strokes: np.ndarray) -> None:
    from strokecast.models.common import sketch_features
    from strokecast.models.layers.drawing import Positions
    from strokecast.models.layers.raster import Raster

    places = Positions()(strokes, REAL)
    np.testing.assert_allclose(sketch_features.boxed(strokes, LENGTH), places, atol=1e-6)
    drawn = Raster(10, 1.5)(places, strokes, REAL).numpy()[:, :, :, 0]
    images = sketch_features.images(strokes, LENGTH, 10, 1.5)
    assert images.dtype == np.uint8
    np.testing.assert_allclose(images / 255, drawn, atol=0.004)


@pytest.mark.parametrize("norm", ["none", "layer", "batch"])
@pytest.mark.parametrize("training", [False, True])
def test_normalised_stacks_ignore_padding(norm: Any, training: bool, strokes: np.ndarray) -> None:
    import keras

    from strokecast.models.layers.drawing import drawing_inputs
    from strokecast.models.layers.recurrent import recurrent_stack

    keras.utils.set_random_seed(0)
    inputs, x, real = drawing_inputs(True)
    y = recurrent_stack(keras.layers.GRU, x, 4, 2, mask=real, norm=norm, bidirectional=True)
    model = keras.Model(inputs, y)
    given = {"strokes": strokes, "length": LENGTH}
    wide = {"strokes": np.pad(strokes, ((0, 0), (0, 6), (0, 0))), "length": LENGTH}
    weights = model.get_weights()
    plain = model(given, training=training).numpy()
    model.set_weights(weights)
    np.testing.assert_allclose(model(wide, training=training).numpy(), plain, atol=1e-5)


@pytest.mark.parametrize("name", ["lstm", "gru", "simple_rnn", "layer_norm_lstm", "wavenet", "transformer"])
def test_l2_is_a_loss_of_the_network(name: str) -> None:
    from strokecast.models.common import registry

    architecture = registry.get("classify", name)
    told = {**architecture.testing.model_dump(), "l2": 0.5}
    model = architecture.build(registry.config("classify", name, told), {"classes": ["a", "b"]})
    kernels = [
        weight.numpy()
        for weight in model.trainable_weights
        if "kernel" in weight.name and not weight.path.startswith(("logits", "enter/kernel"))
    ]
    if name == "wavenet":
        kernels.append(model.get_layer("enter").kernel.numpy())
    penalty = float(sum(np.square(kernel).sum() for kernel in kernels)) * 0.5
    assert float(sum(model.losses)) == pytest.approx(penalty, rel=1e-4)
    assert not architecture.build(architecture.testing, {"classes": ["a", "b"]}).losses
