"""Transforms are inverted exactly, and their scale is the fitted or the given one."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.features.timeseries.transforms import Transform, check_domain


def rounding_bound(fitted: Transform, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest error of `inverse_transform(transform(values))` that float64 explains, in the unit of `values`.

    Each direction has fewer than 4 roundings of at most half an epsilon of the transformed value u or of the mean. The
    inverse with the exponent p, x = (1 + p u)^(1/p), turns an error d of u into x ((1 + p d x^-p)^(1/p) - 1), or
    x (e^d - 1) for p = 0: its condition number x^(1-p) is large for values far below those of training if p > 1. The
    logarithm and the exponential function within Box-Cox add a relative error of epsilon times |log x|.
    """
    epsilon = np.finfo(np.float64).eps
    power = {"none": 1.0, "boxcox": fitted.power}.get(fitted.kind, 0.0)
    x = values + (fitted.kind == "log1p")
    transformed = fitted.transform(values) * fitted.std + fitted.mean
    error = 4 * epsilon * (np.abs(transformed) + abs(fitted.mean)) * x**-power
    with np.errstate(divide="ignore"):  # below the image of the transform, the value is 0: an error of 100 %
        higher, lower = (
            np.expm1(np.log1p(np.maximum(power * d, -1)) / power) if power else np.expm1(d)
            for d in (error, -error)
        )
    return x * (np.maximum(higher, -lower) + 4 * epsilon * (1 + np.abs(np.log(x))))


@settings(max_examples=60, deadline=None)
@example("boxcox", [478241.0, 768171.0, 768246.0, 944742.0], 0.01171875)  # power 1.97
@given(
    st.sampled_from(["none", "log", "log1p", "boxcox"]),
    st.lists(st.floats(0.01, 1e6), min_size=4, max_size=30),
    st.floats(0.01, 1e6),
)
def test_inverse_transform_undoes_transform(kind: Any, train: list[float], value: float) -> None:
    values = np.array([*train])
    fitted = Transform.fit(kind, values)
    assert Transform(**json.loads(json.dumps(fitted.to_dict()))) == fitted
    for original in (values, np.array([value])):
        error = np.abs(fitted.inverse_transform(fitted.transform(original)) - original)
        assert (error <= rounding_bound(fitted, original)).all()
    assert np.isfinite(fitted.inverse_transform(np.array([-30.0, 30.0]) / fitted.std)).all()


@pytest.mark.parametrize("value", [42.0, 0.1, 123456.7, 0.0])
@pytest.mark.parametrize("kind", ["none", "log1p", "boxcox"])
def test_constant_column_has_unit_scale(kind: Any, value: float) -> None:
    """The mean of equal numbers is rounded: the standard deviation of 300 times 0.1 is 3e-17."""
    if kind == "boxcox" and value == 0:
        return
    fitted = Transform.fit(kind, np.full(300, value))
    assert fitted.std == 1.0
    assert fitted.transform(np.array([value])) == pytest.approx(0.0, abs=1e-9)
    if kind == "none":
        assert fitted.transform(np.array([value + 1])) == pytest.approx(1.0)


@pytest.mark.parametrize("kind", ["none", "log", "boxcox"])
def test_given_scale_replaces_mean_and_std(kind: Any) -> None:
    values = np.array([2e6, 5e6, 3e6])
    fitted = Transform.fit(kind, values, 1e6)
    assert (fitted.mean, fitted.std) == (0.0, 1e6)
    assert fitted.power == Transform.fit(kind, values).power
    np.testing.assert_allclose(fitted.inverse_transform(fitted.transform(values)), values)
    if kind == "none":
        assert fitted.transform(values).tolist() == [2.0, 5.0, 3.0]


@pytest.mark.parametrize(
    ("kind", "lowest", "fix"),
    [
        ("log", 0, "set transform: log1p, which takes 0, or none"),
        ("log", -1, "0; set transform: none"),
        ("log1p", -1, "more; set transform: none"),
        ("boxcox", -1, "0; set transform: none"),
    ],
)
def test_the_advised_transform_takes_all_values(kind: Any, lowest: float, fix: str) -> None:
    days = np.datetime64("2020-01-01") + np.arange(3)
    with pytest.raises(UserError) as caught:
        check_domain(kind, "y", np.array([0, lowest, 3.0]), days)
    assert str(caught.value).endswith(fix)
