"""Patches of a window."""

import numpy as np

from strokecast.models.layers.patches import Patches


def test_patches_overlap_and_the_last_value_is_repeated_behind_the_window() -> None:
    windows = np.arange(14.0, dtype=np.float32).reshape(1, 2, 7)
    patches = Patches(4, 2)(windows).numpy()
    assert patches[0, 0].tolist() == [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 6]]
    assert patches[0, 1].tolist() == [[7, 8, 9, 10], [9, 10, 11, 12], [11, 12, 13, 13]]
    assert Patches(7, 3)(windows).shape == Patches(7, 3).compute_output_spec(windows).shape == (1, 2, 2, 7)
