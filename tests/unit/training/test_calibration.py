"""The intervals of a training are calibrated on validation origins, and on nothing else."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.features.records import spec
from strokecast.features.timeseries.window_transformer import WindowTransformer
from strokecast.inference import backtest, conformal
from strokecast.training import calibration

WHERE = "models.forecast.mine"


class Offset:
    """Says the truth and a bit more: 1 on the first origin that it is asked for, 2 on the second, and so on."""

    def __init__(self, held: dict[str, Any]) -> None:
        self.held = held
        self.asked: list[int] = []

    def __call__(self, known: backtest.Series, origins: Any) -> backtest.Forecast:
        self.asked = origins.tolist()
        self.days = known.days
        more = np.arange(1, len(origins) + 1)[:, None, None]
        return backtest.Forecast(backtest.actuals(known, self.held, origins) + more)


@pytest.fixture
def held(made: Path) -> dict[str, Any]:
    return spec.load(made / "forecast", "forecast")


def test_the_residuals_of_all_validation_origins_count(
    made: Path, held: dict[str, Any], tmp_path: Path
) -> None:
    ask = Offset(held)
    calibration.write(tmp_path, ask, made / "forecast", held, 0, None, WHERE)
    spans = held["splits"]
    first, last = (np.datetime64(spans["valid"][end]) for end in ("first", "last"))
    assert ask.days[-1] == last
    assert ask.days[ask.asked[0]] == first
    assert ask.days[ask.asked[-1]] == last - np.timedelta64(held["horizon"] - 1, "D")
    count = len(ask.asked)
    assert ask.asked == list(range(ask.asked[0], ask.asked[0] + count))
    stored = conformal.load(tmp_path)
    assert (stored.origins, stored.method) == (count, "absolute")
    assert stored.low.shape == (3, held["horizon"])
    ranks = [min(int(np.ceil(round((count + 1) * level, 9))), count) for level in conformal.LEVELS]
    assert stored.low == pytest.approx(np.tile(np.array(ranks, float)[:, None], held["horizon"]))


def test_a_slow_rule_is_asked_at_a_few_spread_over_the_split(
    made: Path, held: dict[str, Any], tmp_path: Path
) -> None:
    every, few = Offset(held), Offset(held)
    calibration.write(tmp_path, every, made / "forecast", held, 0, None, WHERE)
    calibration.write(tmp_path, few, made / "forecast", held, 0, 4, WHERE)
    assert len(few.asked) == 4 < len(every.asked)
    assert few.asked[0] == every.asked[0]
    assert set(few.asked) <= set(every.asked)
    assert conformal.load(tmp_path).short == [
        0.95
    ]  # ceil(5 * 0.95) = 5 > 4, and 0.8 asks for the largest of 4


def test_origins_without_enough_history_are_left_out_and_none_at_all_is_an_error(
    made: Path, held: dict[str, Any], tmp_path: Path
) -> None:
    ask = Offset(held)
    days = sum(held["splits"][split]["days"] for split in ("train", "valid"))
    calibration.write(tmp_path, ask, made / "forecast", held, days - held["horizon"] - 1, None, WHERE)
    assert ask.asked == [days - held["horizon"] - 1, days - held["horizon"]]
    with pytest.raises(
        UserError, match=rf"models\.forecast\.mine: the days before the test split number {days}"
    ):
        calibration.write(tmp_path, ask, made / "forecast", held, days, None, WHERE)
    assert WindowTransformer(held).min_history <= held["splits"]["train"]["days"]
