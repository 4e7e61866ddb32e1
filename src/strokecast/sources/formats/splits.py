"""Train, valid or test for drawings of formats without official splits.

The split is a pure function of the drawing's key and the shares. It does not depend on the file, its
order, its other drawings, or its format. Drawings with the same key are always in the same split.
"""

from __future__ import annotations

import hashlib
from typing import Literal

Split = Literal["train", "valid", "test"]
_HASH_KEY = b"strokecast split 1"


def assign_split(key: int | bytes, valid_share: float, test_share: float) -> Split:
    """The split of one drawing.

    Args:
        key: its key_id, or its contents as bytes if it has none.
        valid_share: share of all drawings for validation, 0 <= share < 1.
        test_share: share of all drawings for test; both shares together are below 1.

    Returns:
        `test` for the lowest hashes, then `valid`, then `train`. If only `test_share` grows, every
        test drawing stays in test.
    """
    data = key.to_bytes(8, "little") if isinstance(key, int) else key
    digest = hashlib.blake2b(data, digest_size=8, key=_HASH_KEY).digest()
    quantile = int.from_bytes(digest, "little") / 2.0**64
    if quantile < test_share:
        return "test"
    return "valid" if quantile < test_share + valid_share else "train"
