"""The runner on this machine: a pool of processes changes no byte, and little work starts none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from strokecast.common.files import digest_tree
from strokecast.features.runners import chunks, local
from strokecast.features.sketches import classify
from strokecast.params import ClassifyFeatures, Preprocess

SETTINGS = ClassifyFeatures(bucket_boundaries=(8, 16), shard_megabytes=1)


@pytest.mark.slow
def test_pool_of_processes_writes_the_same_bytes(
    chunked_sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "MIN_CHUNK_DRAWINGS", 5)
    classify.preprocess(chunked_sketches, tmp_path / "one", SETTINGS, Preprocess(workers=1))
    monkeypatch.setattr(local, "MIN_POOL_ITEMS", 2)
    workers_used: list[int] = []
    original = local.LocalRunner._map

    def recording(self: local.LocalRunner, function, items):  # type: ignore[no-untyped-def]
        workers_used.append(self.workers)
        yield from original(self, function, items)

    monkeypatch.setattr(local.LocalRunner, "_map", recording)
    classify.preprocess(chunked_sketches, tmp_path / "pool", SETTINGS, Preprocess(workers=2))
    assert workers_used == [2, 2]
    assert digest_tree(tmp_path / "one") == digest_tree(tmp_path / "pool")


@pytest.mark.slow
def test_pool_keeps_the_order_and_raises_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "MIN_POOL_ITEMS", 2)
    assert list(local.LocalRunner(2)._map(abs, range(-40, 0))) == list(range(40, 0, -1))
    with pytest.raises(TypeError):
        list(local.LocalRunner(2)._map(abs, ["not a number"] * 9))


def _pid(_: int) -> int:
    return os.getpid()


def _fail(item: int) -> int:
    if item == 3:
        raise ValueError("item 3")
    return item


def test_little_work_starts_no_process() -> None:
    assert set(local.LocalRunner(8)._map(_pid, range(local.MIN_POOL_ITEMS - 1))) == {os.getpid()}
    with pytest.raises(ValueError, match="item 3"):
        list(local.LocalRunner(1)._map(_fail, range(5)))
