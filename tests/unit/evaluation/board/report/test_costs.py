"""Scores against costs: the Pareto front, and models without a cost."""

import pytest

from strokecast.evaluation.board.report.costs import costs_section, log_ticks, pareto_front

POINTS = [(3.0, 0.9), (1.0, 0.5), (2.0, 0.5), (2.0, 0.8), (4.0, 0.9)]


@pytest.mark.parametrize(
    ("higher_is_better", "front"), [(True, [1, 3, 0]), (False, [1])], ids=["higher", "lower"]
)
def test_no_model_of_the_front_is_beaten_in_both(higher_is_better, front):
    assert pareto_front(POINTS, higher_is_better) == front


def test_costs_of_zero_are_drawn_and_unknown_ones_left_out():
    models = [
        {
            "model": "net",
            "accuracy": 0.9,
            "parameters": 200,
            "train_seconds": 5.0,
            "examples_per_second": 500.0,
        },
        {"model": "rule", "accuracy": 0.7, "parameters": 0, "train_seconds": 1.0},
        {"model": "broken", "accuracy": None, "parameters": 5, "train_seconds": 1.0},
    ]
    section = costs_section({"task": "classify", "models": models})
    front, others = section.data["parameters"]["traces"]
    assert (front["text"], front["x"], front["customdata"]) == (["rule", "net"], [100, 200], [0, 200])
    assert front["y"] == [70, 90]
    assert others["text"] == []
    assert "Pareto front, cheapest first: 1 rule, 2 net." in section.html
    assert section.data["milliseconds"]["traces"][0]["customdata"] == [2.0]
    assert costs_section({"task": "classify", "models": models[2:]}) is None


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.1, 90.0, [0.1, 1, 10]),
        (98_000, 260_000, [100_000, 200_000]),
        (0.57, 0.99, [0.6, 0.7, 0.8, 0.9]),
        (1.05, 1.83, [1.2, 1.4, 1.6, 1.8]),
    ],
)
def test_a_narrow_range_of_costs_has_ticks_too(low, high, ticks):
    assert log_ticks(low, high) == ticks
