"""Rasterised drawings against geometry, and numpy against Keras."""

import numpy as np
import pytest


def test_lines_are_drawn_at_their_position() -> None:
    from strokecast.models.layers.drawing import Positions
    from strokecast.models.layers.raster import Raster

    square = np.array([[[0, 0, 0], [4, 0, 0], [0, 4, 0], [-4, 0, 1], [2, -2, 1]]], np.float32)
    mask = np.ones((1, 5), bool)
    image = Raster(9, 2.0)(Positions()(square, mask), square, mask).numpy()[0, :, :, 0]
    assert image.shape == (9, 9)
    # the sides lie on the centres of the pixels 1 and 7; the left side is not drawn
    inner = slice(1, 8)
    expected = np.zeros((9, 9))
    expected[1, inner] = expected[7, inner] = 1
    expected[inner, 7] = 1
    expected[4, 4] = 1  # a stroke of one point is a dot; no line leads to it
    near = np.maximum.reduce([np.roll(expected, (a, b), (0, 1)) for a in (-1, 0, 1) for b in (-1, 0, 1)])
    np.testing.assert_allclose(image[expected == 1], 1, atol=1e-5)
    np.testing.assert_allclose(image[2, 2:6], 0.5, atol=1e-5)
    assert not image[near == 0].any()


@pytest.mark.parametrize("width", [0.7, 1.5, 3.0])
def test_ink_of_a_pixel_follows_the_distance_to_its_nearest_line(
    strokes: np.ndarray, length: np.ndarray, mask: np.ndarray, width: float
) -> None:
    from strokecast.models.common import sketch_features
    from strokecast.models.layers.raster import Raster

    size = 12
    positions = sketch_features.to_unit_box(strokes, length)
    images = Raster(size, width)(positions, strokes, mask).numpy()[:, :, :, 0]
    for row, steps in enumerate(length):
        ends = positions[row, :steps] * (size - 1 - width) / 2 + size / 2
        for y, x in np.ndindex(size, size):
            pixel, nearest = np.array([x + 0.5, y + 0.5]), np.inf
            for t in range(steps):
                start = ends[t] if t == 0 or strokes[row, t - 1, 2] > 0.5 else ends[t - 1]
                line = ends[t] - start
                share = np.clip((pixel - start) @ line / max(line @ line, 1e-12), 0, 1)
                nearest = min(nearest, float(np.hypot(*(pixel - start - share * line))))
            assert images[row, y, x] == pytest.approx(np.clip((width + 1) / 2 - nearest, 0, 1), abs=2e-3)


def test_numpy_images_equal_those_of_the_layer(
    strokes: np.ndarray, length: np.ndarray, mask: np.ndarray
) -> None:
    from strokecast.models.common import sketch_features
    from strokecast.models.layers.drawing import Positions
    from strokecast.models.layers.raster import Raster

    positions = Positions()(strokes, mask)
    np.testing.assert_allclose(sketch_features.to_unit_box(strokes, length), positions, atol=1e-6)
    expected = Raster(10, 1.5)(positions, strokes, mask).numpy()[:, :, :, 0]
    images = sketch_features.images(strokes, length, 10, 1.5)
    assert images.dtype == np.uint8
    np.testing.assert_allclose(images / 255, expected, atol=0.004)
