"""Folding frames into the batch and back."""

import numpy as np

from strokecast.models.layers.frames import BatchAsFrames, FramesAsBatch, LastFrame

B, N = 3, 6


def test_folded_frames_stay_in_order() -> None:
    video = np.arange(B * N * 2 * 2).reshape(B, N, 2, 2, 1).astype(np.float32)
    folded = FramesAsBatch()(video).numpy()
    np.testing.assert_array_equal(folded[N], video[1, 0])
    np.testing.assert_array_equal(BatchAsFrames(N)(folded).numpy(), video)
    np.testing.assert_array_equal(LastFrame()(video).numpy(), video[:, N - 1])
