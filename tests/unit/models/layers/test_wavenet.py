"""Gated, dilated convolutions look back only, as far as the dilation says."""

import numpy as np


def test_a_gated_block_depends_on_no_later_step(sequences: np.ndarray, mask: np.ndarray) -> None:
    import keras

    from strokecast.models.layers.wavenet import gated_block

    inputs = keras.Input((None, 8)), keras.Input((None,), dtype="bool")
    model = keras.Model(inputs, gated_block(*inputs, 3, 2, norm="layer", name="block"))
    outputs = [output.numpy() for output in model([sequences, mask])]
    changed = sequences.copy()
    changed[:, 6] *= -2
    for before, after in zip(outputs, model([changed, mask]), strict=True):
        differs = np.abs(after.numpy() - before).max(axis=(0, 2)) > 1e-7
        assert differs.tolist() == [t in (6, 8, 10) for t in range(11)]  # kernel 3, dilation 2
