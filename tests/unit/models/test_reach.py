"""How far convolutions see, counted by changing one point at a time: what docs/architectures.md says of it."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

GUIDE = (Path(__file__).parents[3] / "docs" / "architectures.md").read_text(encoding="utf-8")
T, C = 160, 4


def points_seen(network: Any, output: int) -> int:
    """How many of the T input points change that output step."""
    x = np.random.default_rng(0).normal(size=(1, T, C)).astype(np.float32)
    changed = np.repeat(x, T, axis=0)
    changed[np.arange(T), np.arange(T)] += 0.5  # drawing t differs from x at point t
    plain, other = network(x).numpy()[0, output], network(changed).numpy()[:, output]
    return int((np.abs(other - plain).max(axis=1) > 0).sum())


def dilated(kernel: int, layers: int) -> Any:
    """Blocks of `wavenet`, with the dilation doubling from 1; the skip of the last, on top of all before it."""
    import keras

    from strokecast.models.layers.wavenet import gated_block

    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((T, C))
    real = keras.Input((T,), dtype="bool")
    for layer in range(layers):
        x, skip = gated_block(x, real, kernel, 2**layer, name=f"block_{layer}")
    network = keras.Model([inputs, real], skip)
    return lambda points: network([points, np.ones(points.shape[:2], bool)], training=False)


def test_reach_doubles_with_each_dilated_layer_as_the_guide_says() -> None:
    table = re.search(r"\| layers L of width 2.*\n\| -.*\n\| points that one output sees \|(.*)\|\n", GUIDE)
    assert table
    told = [int(cell) for cell in table.group(1).split("|")]
    assert told == [2**layers for layers in range(1, 7)]
    assert [points_seen(dilated(2, layers), T - 1) for layers in (1, 2, 4, 6)] == [2, 4, 16, 64]


def test_reach_of_the_default_wavenet() -> None:
    from strokecast.models.common import registry

    config: Any = registry.config("classify", "wavenet", {})
    reach = 1 + config.stacks * (config.kernel - 1) * (2**config.blocks - 1)
    assert f"1 + 2 · 63 = {reach} points" in GUIDE
    assert points_seen(dilated(config.kernel, config.blocks), T - 1) == reach


def test_strides_leave_few_steps_each_of_many_points() -> None:
    import keras

    from strokecast.models.common import registry
    from strokecast.models.layers.conv import masked_conv

    config: Any = registry.config("classify", "conv_rnn", {})
    x = inputs = keras.Input((T, C))
    real = mask = keras.Input((T,), dtype="bool")
    left = []
    layers = zip(config.kernels, config.strides, strict=True)
    keras.utils.set_random_seed(0)
    for number, (kernel, stride) in enumerate(layers):
        x, mask = masked_conv(x, mask, 16, kernel, stride, norm_momentum=None, name=f"c{number}")
        left.append(x.shape[1])
    assert left == [T // 2, T // 4, T // 8]
    network = keras.Model([inputs, real], x)
    seen = points_seen(lambda points: network([points, np.ones(points.shape[:2], bool)]), T // 16)
    assert "leave 12 of 96" in GUIDE
    assert (96 // 8, 96 % 8) == (12, 0)
    assert f"{seen} neighbouring points" in re.sub(r"\s+", " ", GUIDE)


def test_a_recurrent_layer_wants_three_dimensions_and_counts_weights_by_features_alone() -> None:
    import keras

    with pytest.raises(ValueError, match=r"expected ndim=3, found ndim=2. Full shape received: \(2, 9\)"):
        keras.layers.GRU(4)(np.zeros((2, 9), np.float32))

    def weights(steps: int, features: int) -> int:
        layer = keras.layers.GRU(4)
        layer.build((None, steps, features))
        return int(layer.count_params())

    assert weights(9, 3) == weights(90, 3) < weights(9, 4)
