"""Ranges and choices, and what the architectures declare."""

import pytest

from strokecast.models.common import registry
from strokecast.models.common.search_space import Choices, Range
from strokecast.params import TASKS


@pytest.mark.parametrize(
    ("dimension", "grid"),
    [
        (Range(1, 3), (1, 2, 3)),
        (Range(1, 2), (1, 2)),
        (Range(48, 192, log=True), (48, 96, 192)),
        (Range(0.0, 0.4), (0.0, 0.2, 0.4)),
        (Range(1e-4, 1e-2, log=True), (1e-4, 1e-3, 1e-2)),
        (Choices((False, True)), (False, True)),
    ],
)
def test_a_grid_has_both_ends_and_the_middle(dimension, grid):
    assert dimension.grid() == grid
    assert all(dimension.contains(value) for value in grid)


def test_values_have_three_digits_and_stay_in_the_range():
    assert Range(0.001, 0.1).round(0.0123456) == 0.0123
    assert Range(0.0, 0.123456).round(0.1234559) == 0.123
    assert Range(0.98765, 1.0).round(0.98765) == 0.988
    assert Range(0.1, 0.98765).round(0.98765) == 0.98765
    assert not Range(1, 3).contains(2.5)
    assert not Range(0, 1).contains(True)
    assert not Choices((1, 2)).contains(True)


def test_every_network_and_its_ranges_contain_the_default_and_valid_values():
    without = []
    for task in TASKS:
        for name in registry.names(task):
            architecture = registry.get(task, name)
            default = architecture.config()
            without += [name] if not architecture.search_space else []
            for key, dimension in architecture.search_space.items():
                assert dimension.contains(getattr(default, key)), (task, name, key)
                for value in dimension.grid():
                    registry.config(task, name, {key: value})
    assert {"gru", "transformer", "ridge", "lightgbm"}.isdisjoint(without)
    assert "seasonal_naive_7" in without
