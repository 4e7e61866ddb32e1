"""Attention pooling against its definition, and the weights that are read off a network."""

import numpy as np
import pytest


def test_attention_weights_are_a_softmax_over_valid_steps(
    sequences: np.ndarray, mask: np.ndarray, length: np.ndarray
) -> None:
    from strokecast.models.layers.attention import AttentionWeights, WeightedSum

    layer = AttentionWeights(6)
    weights = layer(sequences, mask).numpy()
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    assert not weights[~mask].any()
    assert (weights[mask] > 0).all()
    scores = np.tanh(sequences @ layer.kernel.numpy() + layer.bias.numpy()) @ layer.context.numpy()[:, 0]
    for row, steps in enumerate(length):
        odds = np.exp(scores[row, :steps])
        np.testing.assert_allclose(weights[row, :steps], odds / odds.sum(), atol=1e-6)
    pooled = WeightedSum()(sequences, weights).numpy()
    np.testing.assert_allclose(pooled, np.einsum("bt,btc->bc", weights, sequences), atol=1e-6)


def test_attention_weights_can_be_extracted_from_a_network(
    strokes: np.ndarray, mask: np.ndarray, length: np.ndarray
) -> None:
    from strokecast.models.common import registry
    from strokecast.models.layers.attention import attention_weights

    spec = {"classes": ["a", "b", "c"]}
    architecture = registry.get("classify", "attention_rnn")
    weights = attention_weights(architecture.build(architecture.testing, spec))
    assert weights.output_shape == (None, None)
    output = weights({"strokes": strokes, "length": length}).numpy()
    assert output.shape == mask.shape
    np.testing.assert_allclose(output.sum(axis=1), 1, atol=1e-6)
    assert not output[~mask].any()
    with pytest.raises(ValueError, match="expected gru to have a layer 'attention' of type AttentionWeights"):
        attention_weights(registry.get("classify", "gru").build(registry.config("classify", "gru", {}), spec))


def test_weights_of_joined_steps_are_divided_among_their_valid_points() -> None:
    from strokecast.models.layers.attention import SpreadOverSteps

    weights = np.array([[0.5, 0.3, 0.2], [0.6, 0.4, 0.0]], np.float32)
    mask = np.array([[True] * 5, [True] * 3 + [False] * 2])
    expected = [[0.25, 0.25, 0.15, 0.15, 0.2], [0.3, 0.3, 0.4, 0.0, 0.0]]
    np.testing.assert_allclose(SpreadOverSteps(2)(weights, mask), expected, rtol=1e-6)
