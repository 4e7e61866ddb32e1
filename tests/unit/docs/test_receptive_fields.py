"""Receptive fields of convolutions, counted by changing one point at a time, as docs/architectures.md gives them."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

GUIDE = (Path(__file__).parents[3] / "docs" / "architectures.md").read_text(encoding="utf-8")
T, C = 160, 4


def receptive_field(network: Any, output: int) -> int:
    """Number of the T input points that affect step `output`."""
    x = np.random.default_rng(0).normal(size=(1, T, C)).astype(np.float32)
    changed = np.repeat(x, T, axis=0)
    changed[np.arange(T), np.arange(T)] += 0.5  # drawing t differs from x at point t
    expected, outputs = network(x).numpy()[0, output], network(changed).numpy()[:, output]
    return int((np.abs(outputs - expected).max(axis=1) > 0).sum())


def dilated(kernel: int, layers: int) -> Any:
    """The skip of the last of `layers` blocks of `wavenet`, whose dilation doubles from 1."""
    import keras

    from strokecast.models.layers.wavenet import gated_block

    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((T, C))
    mask = keras.Input((T,), dtype="bool")
    for layer in range(layers):
        x, skip = gated_block(x, mask, kernel, 2**layer, name=f"block_{layer}")
    network = keras.Model([inputs, mask], skip)
    return lambda points: network([points, np.ones(points.shape[:2], bool)], training=False)


def test_the_receptive_field_doubles_with_each_dilated_layer() -> None:
    table = re.search(r"\| layers L of width 2.*\n\| -.*\n\| points that one output sees \|(.*)\|\n", GUIDE)
    assert table
    documented = [int(cell) for cell in table.group(1).split("|")]
    assert documented == [2**layers for layers in range(1, 7)]
    assert [receptive_field(dilated(2, layers), T - 1) for layers in (1, 2, 4, 6)] == [2, 4, 16, 64]


def test_receptive_field_of_the_default_wavenet() -> None:
    from strokecast.models.common import registry

    config: Any = registry.config("classify", "wavenet", {})
    expected = 1 + config.stacks * (config.kernel - 1) * (2**config.blocks - 1)
    assert f"1 + 2 · 63 = {expected} points" in GUIDE
    assert receptive_field(dilated(config.kernel, config.blocks), T - 1) == expected


def test_strided_convolutions_shorten_the_sequence() -> None:
    import keras

    from strokecast.models.common import registry
    from strokecast.models.layers.conv import masked_conv

    config: Any = registry.config("classify", "conv_rnn", {})
    x = inputs = keras.Input((T, C))
    input_mask = mask = keras.Input((T,), dtype="bool")
    steps = []
    layers = zip(config.kernels, config.strides, strict=True)
    keras.utils.set_random_seed(0)
    for number, (kernel, stride) in enumerate(layers):
        x, mask = masked_conv(x, mask, 16, kernel, stride, norm_momentum=None, name=f"c{number}")
        steps.append(x.shape[1])
    assert steps == [T // 2, T // 4, T // 8]
    network = keras.Model([inputs, input_mask], x)
    points = receptive_field(lambda points: network([points, np.ones(points.shape[:2], bool)]), T // 16)
    assert "leave 12 of 96" in GUIDE
    assert (96 // 8, 96 % 8) == (12, 0)
    assert f"{points} neighbouring points" in re.sub(r"\s+", " ", GUIDE)


def test_a_recurrent_layer_needs_three_dimensions_and_its_weights_depend_on_the_features_only() -> None:
    import keras

    with pytest.raises(ValueError, match=r"expected ndim=3, found ndim=2. Full shape received: \(2, 9\)"):
        keras.layers.GRU(4)(np.zeros((2, 9), np.float32))

    def weights(steps: int, features: int) -> int:
        layer = keras.layers.GRU(4)
        layer.build((None, steps, features))
        return int(layer.count_params())

    assert weights(9, 3) == weights(90, 3) < weights(9, 4)
