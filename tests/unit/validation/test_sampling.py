"""Bounded samples of a stream."""

from __future__ import annotations

import numpy as np
from scipy import stats

from strokecast.validation.profiles import build_profile
from strokecast.validation.sampling import BottomKSample


def test_a_sample_does_not_depend_on_the_batch_size() -> None:
    rows = np.arange(5000.0)[:, None]
    samples = []
    for batch_size in (1, 7, 800, 5000):
        sample = BottomKSample(1, size=300)
        for start in range(0, 5000, batch_size):
            stop = min(start + batch_size, 5000)
            sample.add(np.arange(start, stop), rows[start:stop])
        assert sample.n_seen == 5000
        samples.append(sorted(sample.rows.ravel().tolist()))
    assert len(set(samples[0])) == 300
    assert all(sample == samples[0] for sample in samples)


def test_a_stream_of_at_most_the_sample_size_is_kept_in_full() -> None:
    sample = BottomKSample(1)
    sample.add(np.arange(10), np.arange(10.0)[:, None])
    assert sorted(sample.rows.ravel()) == list(range(10))
    assert "sample_of" not in build_profile({"x": sample.rows[:, 0]}, n_seen=sample.n_seen)["x"]


def test_a_sample_has_the_distribution_of_the_stream_and_its_profile_the_size_of_both() -> None:
    rng = np.random.default_rng(3)
    values = np.concatenate([rng.normal(size=60_000), rng.normal(9, 1, size=20_000)])  # not stationary
    sample = BottomKSample(1, size=10_000)
    for start in range(0, 80_000, 9_000):
        batch = values[start : start + 9_000]
        sample.add(np.arange(start, start + len(batch)), batch[:, None])
    assert stats.ks_2samp(sample.rows[:, 0], values).statistic < 0.02
    profile = build_profile({"x": sample.rows[:, 0]}, n_seen=sample.n_seen)["x"]
    assert (profile["count"], profile["effective"], profile["sample_of"]) == (10_000, 10_000, 80_000)
