"""Bootstrap intervals against their statistical properties."""

import numpy as np
import pytest

from strokecast.evaluation.common.bootstrap import (
    PairedDifference,
    block_length,
    bootstrap_means,
    bootstrap_means_of_each,
    difference_between,
    paired_differences,
    percentile_interval,
)


def test_an_interval_of_a_share_has_the_width_of_the_normal_approximation():
    values = np.zeros((1, 1000))
    values[0, :900] = 1
    low, high = percentile_interval(bootstrap_means(values, 4000, seed=1), 0.95)
    half = 1.96 * np.sqrt(0.9 * 0.1 / 1000)
    assert low[0] == pytest.approx(0.9 - half, abs=0.003)
    assert high[0] == pytest.approx(0.9 + half, abs=0.003)


def test_a_paired_interval_is_much_narrower_than_two_single_ones():
    random = np.random.default_rng(0)
    first = (random.random(1000) < 0.7).astype(float)
    second = first.copy()
    second[np.flatnonzero(first == 0)[:30]] = 1  # correct wherever the first is, and on 30 more
    values = np.stack([first, second])
    means = bootstrap_means(values, 2000, seed=3)
    low, high = percentile_interval(means, 0.95)
    (pair,) = paired_differences(["a", "b"], values, means, 0.95)
    assert low[1] < high[0]  # the single intervals overlap
    assert pair.difference == pytest.approx(-0.03)
    assert pair.excludes_zero
    assert pair.high - pair.low < (high[0] - low[0]) / 2


def test_different_models_are_separated_and_equal_ones_are_not():
    random = np.random.default_rng(7)
    values = (random.random((3, 2000)) < np.array([[0.8], [0.8], [0.6]])).astype(float)
    differences = paired_differences(["a", "b", "c"], values, bootstrap_means(values, 1000, seed=0), 0.95)
    assert [(p.a, p.b, p.excludes_zero) for p in differences] == [
        ("a", "b", False),
        ("a", "c", True),
        ("b", "c", True),
    ]


def test_a_model_against_its_copy_is_exactly_zero():
    values = np.tile(np.random.default_rng(1).random(50), (2, 1))
    (pair,) = paired_differences(["a", "b"], values, bootstrap_means(values, 200, seed=0), 0.9)
    assert (pair.difference, pair.low, pair.high, pair.excludes_zero) == (0, 0, 0, False)


def test_the_same_seed_draws_the_same_examples_for_any_number_of_models():
    values = np.random.default_rng(1).random((3, 40))
    alone = bootstrap_means(values[:1], 100, seed=5)
    together = bootstrap_means(values, 100, seed=5)
    assert together[:, 0] == pytest.approx(alone[:, 0], rel=1e-12)
    assert not np.array_equal(alone, bootstrap_means(values[:1], 100, seed=6))


def test_sets_of_models_share_the_resamples():
    values = np.random.default_rng(1).random((3, 3000))
    sets = [values[:2], values[1:]]
    for means, own in zip(bootstrap_means_of_each(sets, 1000, 5), sets, strict=True):
        assert np.array_equal(means, bootstrap_means(own, 1000, 5))
    assert bootstrap_means_of_each([], 1000, 5) == []


def test_blocks_keep_neighbours_together():
    values = np.arange(8.0)[None]  # a block of all 8 contains each once
    assert bootstrap_means(values, 20, seed=0, block=8) == pytest.approx(3.5)
    runs = np.repeat([0.0, 1.0], 200)[None]  # maximally dependent
    single = bootstrap_means(runs, 2000, seed=0).std()
    blocked = bootstrap_means(runs, 2000, seed=0, block=50).std()
    assert blocked > 4 * single


def test_both_ends_of_the_series_are_drawn_as_often_as_its_middle():
    values = np.zeros((1, 100))
    values[0, -5:] = 1
    assert bootstrap_means(values, 4000, seed=0, block=20).mean() == pytest.approx(0.05, abs=0.004)


def test_blocks_are_cut_to_the_number_of_examples():
    values = np.ones((1, 10))
    assert bootstrap_means(values, 50, seed=0, block=3) == pytest.approx(1.0)
    assert [block_length(28, n) for n in (1, 20, 1000)] == [1, 5, 28]


def test_a_difference_in_the_other_direction():
    differences = [PairedDifference("a", "b", 1.0, 0.5, 1.5)]
    assert difference_between(differences, "a", "b") == differences[0]
    assert difference_between(differences, "b", "a") == PairedDifference("b", "a", -1.0, -1.5, -0.5)
    with pytest.raises(KeyError):
        difference_between(differences, "a", "c")
