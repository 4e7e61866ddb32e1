"""Train, valid or test for drawings of formats without official splits.

The split is a pure function of the drawing's key and the shares: neither the file, nor its
order, nor what else is there moves a drawing from one split to another, and one and the same
drawing falls into the same split whatever format it is read from. Drawings with the same key are
never in two splits.
"""

from __future__ import annotations

import hashlib
from typing import Literal

Split = Literal["train", "valid", "test"]
_SALT = b"strokecast split 1"


def split_of(key: int | bytes, valid_share: float, test_share: float) -> Split:
    """The split of one drawing.

    Args:
        key: its key_id, or the bytes of its contents where it has none.
        valid_share: share of all drawings for validation, 0 <= share < 1.
        test_share: share of all drawings for test; both together below 1.

    Returns:
        `test` for the lowest hashes, then `valid`, then `train`: a larger `test_share` alone
        keeps every test drawing in test.
    """
    data = key.to_bytes(8, "little") if isinstance(key, int) else key
    digest = hashlib.blake2b(data, digest_size=8, key=_SALT).digest()
    place = int.from_bytes(digest, "little") / 2.0**64
    if place < test_share:
        return "test"
    return "valid" if place < test_share + valid_share else "train"
