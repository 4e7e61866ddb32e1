"""Splits by hash: shares, stability, independence."""

from __future__ import annotations

from collections import Counter

from strokecast.sources.formats.splits import assign_split


def test_splits_have_their_shares_and_depend_on_the_key_only() -> None:
    keys = range(10**15, 10**15 + 20_000)
    counts = Counter(assign_split(key, 0.1, 0.2) for key in keys)
    assert abs(counts["test"] / 20_000 - 0.2) < 0.01
    assert abs(counts["valid"] / 20_000 - 0.1) < 0.01
    assert [assign_split(key, 0.1, 0.2) for key in range(6)] == [
        assign_split(key, 0.1, 0.2) for key in range(6)
    ]
    assert {assign_split(key, 0.0, 0.0) for key in keys[:100]} == {"train"}
    assert assign_split(7, 0.1, 0.2) == assign_split((7).to_bytes(8, "little"), 0.1, 0.2)
    assert all(assign_split(key, 0.1, 0.3) == "test" for key in keys if assign_split(key, 0.1, 0.2) == "test")


def test_splits_never_change() -> None:
    """Drawings of an earlier download must keep their split, so the hash is fixed for ever."""
    splits = [assign_split(key, 0.2, 0.2) for key in (1, 2, 3, 4901, 5152802093400064, (1 << 64) - 1)]
    assert splits == ["test", "valid", "train", "test", "train", "valid"]
