"""Position embeddings of the transformers against their definition."""

import numpy as np


def test_stroke_positions_embed_point_place_in_stroke_and_stroke_number() -> None:
    from strokecast.models.layers.transformer import StrokePositions

    points = np.zeros((1, 8, 3), np.float32)
    points[0, :, 2] = [0, 0, 1, 1, 0, 0, 1, 0]
    layer = StrokePositions(3)
    layer.build((None, None, 8))
    table = np.arange(24, dtype=np.float32).reshape(3, 8)
    layer.table.assign(table)
    output = layer(np.zeros((1, 8, 8), np.float32), points).numpy()[0]

    def sinusoids(position: int) -> list[float]:
        frequencies = [1.0, 1 / 1000]
        return [np.sin(position * f) for f in frequencies] + [np.cos(position * f) for f in frequencies]

    positions = [
        (0, 0),
        (0, 1),
        (0, 2),
        (1, 0),
        (2, 0),
        (2, 1),
        (2, 2),
        (2, 0),
    ]  # stroke, place in the stroke
    for t, (stroke, in_stroke) in enumerate(positions):
        expected = np.array(sinusoids(t) + sinusoids(in_stroke)) + table[stroke]
        np.testing.assert_allclose(output[t], expected, atol=1e-5)


def test_position_embedding_adds_its_table() -> None:
    from strokecast.models.layers.transformer import PositionEmbedding

    layer = PositionEmbedding()
    x = np.ones((2, 3, 4), np.float32)
    output = layer(x).numpy()
    np.testing.assert_allclose(output, x + layer.table.numpy(), atol=1e-6)
