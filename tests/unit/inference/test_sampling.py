"""Drawings sampled from networks of the task draw."""

from typing import Any

import numpy as np
import pytest

from strokecast.inference import sampling
from strokecast.models.common import registry
from strokecast.models.layers import mixture

SPEC = {"task": "draw", "classes": ["ant", "key", "sun"]}


def network(name: str, **config: Any) -> Any:
    import keras

    keras.utils.set_random_seed(3)
    architecture = registry.get("draw", name)
    settings = {**architecture.testing.model_dump(), **config}
    model = architecture.build(registry.config("draw", name, settings), SPEC)
    for weight in model.trainable_variables:  # far from the uniform densities of initial weights
        weight.assign(2.5 * weight)
    return model


@pytest.fixture(scope="module")
def plain() -> Any:
    return network("class_decoder")


@pytest.fixture(scope="module")
def sketch_rnn() -> Any:
    return network("sketch_rnn")


@pytest.fixture(scope="module")
def unconditional() -> Any:
    return network("sketch_rnn", conditional=False, norm="layer")


def never_ending(model: Any) -> None:
    kernel, bias = model.get_layer("mixture").get_weights()
    bias[2] -= 1e3
    model.get_layer("mixture").set_weights([kernel, bias])


def same(first: sampling.Drawings, second: sampling.Drawings) -> bool:
    return len(first) == len(second) and all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_drawings_have_at_least_one_point_and_end_with_the_pen_lifted(plain: Any) -> None:
    drawings = sampling.sample(plain, [0, 1, 2] * 30, 1.0, 1, 12)
    assert len(drawings) == 90
    lengths = {len(drawing) for drawing in drawings}
    assert len(lengths) > 1
    assert min(lengths) >= 1
    assert max(lengths) <= 12
    for drawing in drawings:
        assert (drawing.dtype, drawing.shape[1:]) == (np.float32, (3,))
        assert np.isfinite(drawing).all()
        assert set(drawing[:, 2]) <= {0.0, 1.0}
        assert drawing[-1, 2] == 1.0
    assert sampling.sample(plain, [], 1.0, 1, 12) == []


def test_network_that_ends_at_once_still_draws_one_point() -> None:
    model = network("class_decoder")
    kernel, bias = model.get_layer("mixture").get_weights()
    bias[2] += 1e3
    model.get_layer("mixture").set_weights([kernel, bias])
    assert [len(drawing) for drawing in sampling.sample(model, [0, 2], 0.5, 1, 9)] == [1, 1]


def test_drawing_without_an_end_is_cut_off() -> None:
    model = network("class_decoder")
    never_ending(model)
    drawings = sampling.sample(model, [0, 1], 1.0, 1, 7)
    assert [len(drawing) for drawing in drawings] == [7, 7]
    longer = sampling.sample(model, [0, 1], 1.0, 1, 9)
    for short, long in zip(drawings, longer, strict=True):
        np.testing.assert_allclose(short[:, :2], long[:7, :2], rtol=1e-5)


def test_seed_determines_the_drawings(plain: Any) -> None:
    first, again, other = (sampling.sample(plain, [1] * 8, 0.8, seed, 15) for seed in (4, 4, 5))
    assert same(first, again)
    assert not same(first, other)


def test_temperature_0_gives_the_mode_of_each_step() -> None:
    model = network("class_decoder")
    never_ending(model)
    drawings = sampling.sample(model, [0, 1, 2], 0.0, 1, 8)
    assert same(drawings, sampling.sample(model, [0, 1, 2], 0.0, 99, 8))
    teacher = np.stack(drawings)
    teacher[:, -1, 2] = 0
    inputs = {"strokes": teacher, "length": np.full(3, 8, np.int32), "label": np.arange(3)}
    density = mixture.split(model(inputs, training=False)["mixture"].numpy())  # [3, 9, ...], teacher-forced
    best = np.argmax(density.weight, axis=-1)[:, :8, None]
    for axis, means in enumerate((density.mean_x, density.mean_y)):
        mode = np.take_along_axis(np.asarray(means)[:, :8], best, axis=2)[:, :, 0]
        np.testing.assert_allclose(teacher[:, :, axis], mode, atol=1e-4)
    lifts = np.argmax(density.pen, axis=-1)[:, :7]
    np.testing.assert_array_equal(teacher[:, :7, 2], lifts == 1)


def test_temperature_scales_probabilities_and_variances() -> None:
    import tensorflow as tf

    count = 40_000
    logits = tf.tile(tf.math.log([[0.7, 0.2, 0.1]]), (count, 1))
    for temperature in (1.0, 0.5):
        categories = sampling._sample_category(logits, temperature, tf.constant([1, 2], tf.int64)).numpy()
        probabilities = np.array([0.7, 0.2, 0.1]) ** (1 / temperature)
        np.testing.assert_allclose(
            np.bincount(categories) / count, probabilities / probabilities.sum(), atol=0.01
        )
        one = np.zeros((count, 9), np.float32)  # one component
        one[:, 4:] = [1.0, -2.0, np.log(2.0), np.log(0.5), 0.6]
        moves = sampling._sample_move(
            mixture.split(tf.constant(one)), temperature, tf.constant([1, 2], tf.int64)
        ).numpy()
        np.testing.assert_allclose(moves.mean(axis=0), [1.0, -2.0], atol=0.04)
        np.testing.assert_allclose(moves.std(axis=0), np.sqrt(temperature) * np.array([2.0, 0.5]), rtol=0.02)
        assert np.corrcoef(moves.T)[0, 1] == pytest.approx(0.99 * np.tanh(0.6), abs=0.02)


@pytest.mark.parametrize("norm", ["none", "layer"])
def test_drawings_depend_on_class_and_latent_vector(norm: str) -> None:
    model = network("sketch_rnn", norm=norm)
    never_ending(model)
    z = np.zeros((2, 4), np.float32)
    first, second = sampling.sample(model, [1, 1], 0.0, 1, 6, z)
    np.testing.assert_array_equal(first, second)
    z[1] = 1.5
    first, second = sampling.sample(model, [1, 1], 0.0, 1, 6, z)
    assert np.abs(first - second).max() > 1e-3
    first, second = sampling.sample(model, [1, 2], 0.0, 1, 6, np.zeros((2, 4)))
    assert np.abs(first - second).max() > 1e-3
    one, other = (sampling.sample(model, [1] * 4, 0.0, seed, 6) for seed in (1, 2))
    assert not same(one, other)  # the seed also determines z


def sketches() -> Any:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n, 3)).astype(np.float32) for n in (9, 4)]


def test_latent_mean_does_not_depend_on_the_batch(sketch_rnn: Any) -> None:
    both = sampling.encode(sketch_rnn, sketches())
    assert (both.shape, both.dtype) == ((2, 4), np.float32)
    np.testing.assert_allclose(sampling.encode(sketch_rnn, sketches()[1:]), both[1:], atol=1e-5)


def test_reconstruction_decodes_the_latent_mean(sketch_rnn: Any) -> None:
    reconstructed = sampling.reconstruct(sketch_rnn, sketches(), [0, 2], 0.4, 7, 11)
    z = sampling.encode(sketch_rnn, sketches())
    assert same(reconstructed, sampling.sample(sketch_rnn, [0, 2], 0.4, 7, 11, z))
    assert all(1 <= len(drawing) <= 11 for drawing in reconstructed)


def test_interpolation_starts_and_ends_at_the_two_drawings(sketch_rnn: Any) -> None:
    way = sampling.interpolate(sketch_rnn, *sketches(), 1, 5, 0.0, 7, 11)
    ends = sampling.reconstruct(sketch_rnn, sketches(), [1, 1], 0.0, 7, 11)
    assert len(way) == 5
    for drawing, end in ((way[0], ends[0]), (way[-1], ends[1])):
        np.testing.assert_allclose(drawing, end, atol=1e-4)


def test_unconditional_network_takes_a_number_of_drawings(unconditional: Any) -> None:
    assert not sampling.is_conditional(unconditional)
    assert len(sampling.sample(unconditional, 6, 0.5, 1, 9)) == 6
    assert len(sampling.reconstruct(unconditional, sketches(), None, 0.5, 1, 9)) == 2
    assert len(sampling.interpolate(unconditional, *sketches(), None, 3, 0.5, 1, 9)) == 3


def test_slerp_follows_the_arc() -> None:
    first, second = np.array([2.0, 0.0]), np.array([0.0, 2.0])
    np.testing.assert_allclose(sampling.slerp(first, second, 0.5), [np.sqrt(2), np.sqrt(2)], rtol=1e-6)
    np.testing.assert_array_equal(sampling.slerp(first, second, 0.0), first)
    np.testing.assert_allclose(sampling.slerp(first, second, 1.0), second, atol=1e-6)
    np.testing.assert_allclose(sampling.slerp(first, 3 * first, 0.5), [4.0, 0.0])
    np.testing.assert_allclose(sampling.slerp(first, -first, 0.5), [0.0, 0.0])
    np.testing.assert_allclose(sampling.slerp(0 * first, second, 0.5), [0.0, 1.0])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"labels": 4}, "labels should be class numbers"),
        ({"labels": [0, 3]}, r"labels should be 0 to 2, received \[0, 3\]"),
        ({"labels": [-1]}, "labels should be 0 to 2"),
        ({"z": np.zeros((2, 5))}, r"z should be \[2, 4\], received \[2, 5\]"),
        ({"temperature": -0.1}, "temperature should be 0 or more"),
        ({"temperature": float("nan")}, "temperature should be 0 or more"),
        ({"max_points": 0}, "max_points 1 or more"),
    ],
)
def test_invalid_arguments_are_refused(sketch_rnn: Any, more: dict[str, Any], message: str) -> None:
    arguments = {"labels": [0, 1], "temperature": 0.5, "seed": 1, "max_points": 5, **more}
    with pytest.raises(ValueError, match=message):
        sampling.sample(sketch_rnn, **arguments)


def test_arguments_that_the_network_does_not_support_are_refused(plain: Any, unconditional: Any) -> None:
    with pytest.raises(ValueError, match="no latent vector"):
        sampling.encode(plain, sketches())
    with pytest.raises(ValueError, match=r"z should be None, received \[1, 4\]"):
        sampling.sample(plain, [0], 0.5, 1, 5, np.zeros((1, 4)))
    with pytest.raises(ValueError, match="for an unconditional network"):
        sampling.sample(unconditional, [0, 1], 0.5, 1, 5)
    with pytest.raises(ValueError, match="steps should be 2 or more"):
        sampling.interpolate(unconditional, *sketches(), None, 1, 0.5, 1, 5)
