"""The bases of N-BEATSx and N-HiTS."""

import numpy as np
import pytest

from strokecast.models.layers.doubly_residual import Basis, basis_functions, seasonality_size


def test_trend_is_a_polynomial_of_time() -> None:
    coefficients = np.array([[[2.0, -1.0, 3.0]]], np.float32)
    time = np.arange(5) / 5
    series = Basis("trend", 5)(coefficients).numpy()
    np.testing.assert_allclose(series[0, 0], 2 - time + 3 * time**2, rtol=1e-6)


def test_seasonality_has_whole_periods_per_horizon_up_to_half_its_days() -> None:
    assert [seasonality_size(horizon) for horizon in (1, 3, 7, 8)] == [2, 2, 6, 8]
    functions = basis_functions("seasonality", 6, 21, period=7)
    np.testing.assert_allclose(functions[:, :7], functions[:, 7:14], atol=1e-5)
    np.testing.assert_allclose(functions[0], 1)
    np.testing.assert_allclose(functions[1], np.cos(2 * np.pi * np.arange(21) / 7), atol=1e-6)
    np.testing.assert_allclose(functions[5], np.sin(4 * np.pi * np.arange(21) / 7), atol=1e-6)


@pytest.mark.parametrize(("knots", "days"), [(1, 5), (2, 7), (3, 3), (4, 14)])
def test_interpolation_between_knots(knots: int, days: int) -> None:
    values = np.random.default_rng(0).normal(size=knots)
    centers = (np.arange(knots) + 0.5) * days / knots - 0.5  # the day of each knot
    expected = np.interp(np.arange(days), centers, values)
    np.testing.assert_allclose(values @ basis_functions("linear", knots, days), expected, atol=1e-6)
    nearest = basis_functions("nearest", knots, days)
    assert set(np.unique(nearest)) <= {0.0, 1.0}
    np.testing.assert_array_equal(nearest.sum(axis=0), 1)
    gaps = np.abs(np.arange(days)[:, None] - centers)
    np.testing.assert_allclose(gaps[np.arange(days), nearest.argmax(axis=0)], gaps.min(axis=1), atol=1e-9)
