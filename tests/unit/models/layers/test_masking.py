"""Masks from lengths, and layers that apply them."""

import numpy as np


def test_length_mask_is_true_on_valid_steps(strokes: np.ndarray, length: np.ndarray) -> None:
    from strokecast.models.layers.masking import LengthMask

    mask = LengthMask()(strokes, length).numpy()
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask.sum(axis=1), length)
    assert mask[1].tolist() == [True] * 4 + [False] * 7


def test_apply_mask_sets_padding_to_zero_and_attaches_no_mask(
    sequences: np.ndarray, mask: np.ndarray
) -> None:
    import keras

    from strokecast.models.layers.masking import ApplyMask

    masked = ApplyMask()(sequences, mask)
    np.testing.assert_array_equal(masked, np.where(mask[:, :, None], sequences, 0))
    symbolic = ApplyMask()(keras.Input((None, 8)), keras.Input((None,), dtype="bool"))
    assert symbolic.shape == (None, None, 8)
    assert not hasattr(symbolic, "_keras_mask")


def test_stride_mask_rounds_lengths_up(mask: np.ndarray, length: np.ndarray) -> None:
    from strokecast.models.layers.masking import StrideMask

    layer = StrideMask(3)
    shorter = layer(mask).numpy()
    assert shorter.shape == (5, 4)
    np.testing.assert_array_equal(shorter.sum(axis=1), -(-length // 3))
    assert StrideMask.from_config(layer.get_config()).stride == 3


def test_stacked_steps_hold_the_points_in_order_and_zeros_at_the_end() -> None:
    from strokecast.models.layers.masking import StackSteps, stack_steps

    sequences = np.arange(2 * 5 * 3, dtype=np.float32).reshape(2, 5, 3)
    layer = StackSteps(2)
    stacked = layer(sequences).numpy()
    np.testing.assert_array_equal(stacked[:, :2], sequences[:, :4].reshape(2, 2, 6))
    np.testing.assert_array_equal(stacked[:, 2], np.pad(sequences[:, 4], ((0, 0), (0, 3))))
    assert StackSteps.from_config(layer.get_config()).count == 2
    mask = np.array([[True] * 5, [True] * 3 + [False] * 2])
    _, shorter = stack_steps(sequences, mask, 2)
    assert shorter.numpy().tolist() == [[True, True, True], [True, True, False]]
    assert stack_steps(sequences, mask, 1)[1] is mask
