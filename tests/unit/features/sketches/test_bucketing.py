"""Bucket boundaries chosen from the training lengths: least padding, and nothing but the training lengths."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strokecast import params
from strokecast.common.errors import UserError
from strokecast.common.files import digest_tree
from strokecast.features.sketches import bucketing, classify, draw
from strokecast.params import ClassifyFeatures, DrawFeatures

LENGTHS = st.dictionaries(st.integers(1, 110), st.integers(1, 20), min_size=1, max_size=12)


def padding(lengths: dict[int, int], boundaries: tuple[int, ...]) -> int:
    """Padded points of all drawings, counted one by one."""
    return sum(
        count * (next(boundary for boundary in boundaries if length <= boundary) - length)
        for length, count in lengths.items()
    )


@given(lengths=LENGTHS, max_buckets=st.integers(1, 4))
def test_no_other_choice_of_multiples_pads_less(lengths: dict[int, int], max_buckets: int) -> None:
    chosen = bucketing.choose_boundaries(lengths, max_buckets)
    assert list(chosen) == sorted(set(chosen))
    assert len(chosen) <= max_buckets
    assert all(boundary % bucketing.STEP == 0 for boundary in chosen)
    multiples = range(bucketing.STEP, max(lengths) + bucketing.STEP, bucketing.STEP)
    last = multiples[-1]
    every = ((*inner, last) for size in range(max_buckets) for inner in combinations(multiples[:-1], size))
    assert padding(lengths, chosen) == min(padding(lengths, boundaries) for boundaries in every)


def test_choice_in_a_case_that_can_be_checked_by_hand() -> None:
    lengths = {5: 100, 12: 10, 30: 1, 31: 50}
    assert bucketing.choose_boundaries(lengths, 1) == (32,)
    assert bucketing.choose_boundaries(lengths, 2) == (8, 32)  # 300 + 200 + 2 + 50; with 16: 1100 + 40 + 52
    assert bucketing.choose_boundaries(lengths, 3) == (8, 16, 32)
    assert bucketing.choose_boundaries(lengths) == (8, 16, 32), "no more buckets than reduce the padding"


@given(lengths=LENGTHS, seed=st.integers(0, 99))
def test_choice_does_not_depend_on_the_order_of_the_lengths(lengths: dict[int, int], seed: int) -> None:
    shuffled = list(lengths.items())
    np.random.default_rng(seed).shuffle(shuffled)
    assert bucketing.choose_boundaries(dict(shuffled)) == bucketing.choose_boundaries(lengths)


@pytest.mark.parametrize(
    ("lengths", "expected"), [({17: 400}, (24,)), ({16: 1}, (16,)), ({1: 1}, (8,)), ({250: 1}, (256,))]
)
def test_one_length_or_one_drawing_has_one_bucket(lengths: dict[int, int], expected: tuple[int, ...]) -> None:
    assert bucketing.choose_boundaries(lengths) == expected


def test_outliers_do_not_extend_the_last_boundary() -> None:
    lengths = Counter({20: 50, 40: 50, 190: 3, 251: 1, 4000: 1})
    assert bucketing.choose_boundaries(lengths) == (24, 40, 192, 200)
    assert bucketing.choose_boundaries({300: 5}) == (200,)


def test_explicit_boundaries_are_used_unchanged() -> None:
    assert bucketing.resolve_boundaries((7, 30), {500: 1}) == (7, 30)
    assert bucketing.resolve_boundaries("auto", {29: 1}) == (32,)


def test_auto_is_the_default_and_equals_its_boundaries_written_out(
    validated_sketches: Path, tmp_path: Path
) -> None:
    # training lengths 3, 8, 9, 20, 5, 16 of each class; test drawings have up to 30 points
    runs: list[tuple[Any, Any]] = [(classify, ClassifyFeatures), (draw, DrawFeatures)]
    for task, settings in runs:
        assert settings().bucket_boundaries == "auto"
        auto = task.preprocess(validated_sketches, tmp_path / "auto", settings())
        assert auto["bucket_boundaries"] == [8, 16, 24]
        explicit = task.preprocess(
            validated_sketches, tmp_path / "explicit", settings(bucket_boundaries=(8, 16, 24))
        )
        assert auto == explicit
        assert digest_tree(tmp_path / "auto") == digest_tree(tmp_path / "explicit")
    assert auto["left_out"] == {"train": 0, "valid": 0, "test": 2}


def test_only_training_lengths_count(validated_sketches: Path, tmp_path: Path) -> None:
    before = classify.preprocess(validated_sketches, tmp_path / "before", ClassifyFeatures())
    for split in ("valid", "test"):
        path = validated_sketches / f"{split}.parquet"
        pq.write_table(pq.read_table(path).slice(0, 1), path)
    after = classify.preprocess(validated_sketches, tmp_path / "after", ClassifyFeatures())
    assert after["bucket_boundaries"] == before["bucket_boundaries"]
    path = validated_sketches / "train.parquet"
    table = pq.read_table(path)
    pq.write_table(table.filter(np.array(table["length"]) <= 8), path)
    shorter = classify.preprocess(validated_sketches, tmp_path / "shorter", ClassifyFeatures())
    assert shorter["bucket_boundaries"] == [8]


@pytest.mark.parametrize("task", ["classify", "draw"])
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([64, 32], ["ascending"]),
        ([32, 32], ["ascending"]),
        ([1, 8], ["auto or list of integer from 2 to 100000"]),
        ([], ["auto or list of integer from 2 to 100000"]),
        ("quantiles", ["'quantiles'", "auto or list of integer from 2 to 100000"]),
    ],
)
def test_invalid_boundaries_are_reported_with_their_key(task: str, value: Any, words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        params.parse({"features": {task: {"bucket_boundaries": value}}})
    for word in (f"features.{task}", *words):
        assert word in str(caught.value)
