"""What `benchmarks/forecast_choice.py` reads from the summary of a run."""

import pytest


@pytest.fixture(scope="module")
def benchmark(import_benchmark):
    return import_benchmark("forecast_choice")


def test_the_choice_of_a_run_is_read_from_its_summary(benchmark):
    summary = {
        "series": "made",
        "first": "2019-06-15",
        "horizon": 7,
        "champion": {"model": "gru", "rank": 2, "test": 12.0, "best": "ridge", "best_test": 10.0},
        "models": [
            {"model": "ridge", "mae": 10.0, "valid_mae": 9.0, "to_best": None},
            {"model": "gru", "mae": 12.0, "valid_mae": 8.0, "to_best": {"differs": True}},
            {"model": "naive", "mae": 30.0, "valid_mae": 30.0, "to_best": {"differs": True}},
        ],
    }
    choice = benchmark.choice("mine", summary)
    assert (choice.run, choice.champion, choice.rank, choice.rows, choice.differs) == (
        "mine",
        "gru",
        2,
        3,
        True,
    )
    assert (choice.loss, choice.typical) == pytest.approx((0.2, 0.2))
    assert benchmark.rank_correlation(summary) == pytest.approx(0.5)
