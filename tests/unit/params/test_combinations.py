"""Names and members of combinations and ensembles: each fault is one line."""

from __future__ import annotations

from typing import Any

import pytest

from strokecast import params
from strokecast.common.errors import UserError

KEY = r"evaluation\.forecast\.combinations"
OFF = {"enabled": False}


def parse(combinations: Any) -> params.Params:
    models = {"forecast": {"ridge": {}, "auto_ets": {}, "gru": OFF}}
    forecast = {"baseline": None, "combinations": combinations}
    return params.parse({"models": models, "evaluation": {"forecast": forecast}})


@pytest.mark.parametrize(
    ("combinations", "message"),
    [
        ({"x": {"members": ["ridge", "gru"]}}, rf"{KEY}\.x\.members: 'gru' is switched off"),
        (
            {"x": {"members": ["ridge", "auto_etz"]}},
            r"'auto_etz' is not a model of forecast.*did you mean 'auto_ets'",
        ),
        ({"x": {"members": ["ridge", "ridge"]}}, "'ridge' is repeated"),
        ({"x": {"members": ["ridge"]}}, r"too few members \(1\)"),
        ({"x": {"members": ["ridge", "auto_ets"], "top": 3}}, r"too few members for top: 3 \(2\)"),
        ({"ridge": {}}, rf"{KEY}\.ridge: the name 'ridge' is a model of forecast"),
        ({"champion": {}}, "the name 'champion' is reserved"),
        ({"../x": {}}, rf"{KEY}: the name '../x' is not valid"),
        ({"x": {"weights": "best"}}, r"choose one of equal, inverse_error, nnls"),
    ],
)
def test_a_combination_that_is_not_valid_is_one_line(combinations: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse(combinations)


def test_combinations_that_are_valid() -> None:
    combinations = {"x": {"members": ["ridge", "auto_ets"], "top": 1, "weights": "nnls"}, "all_of_them": {}}
    parsed = parse(combinations).evaluation.forecast.combinations
    assert parsed["x"].members == ("ridge", "auto_ets")
    assert parsed["all_of_them"] == params.Combination(members="all", top=None, weights="equal")
    assert parse({}).evaluation.forecast.combinations == {}


@pytest.mark.parametrize(
    ("ensembles", "message"),
    [
        (
            {"x": {"members": ["gru", "lstn"]}},
            r"classify\.ensembles\.x\.members: 'lstn' is not a model of classify",
        ),
        ({"gru": {}}, r"classify\.ensembles\.gru: the name 'gru' is a model of classify"),
        ({"x": {"weights": "nnls"}}, "choose one of equal, log_loss"),
    ],
)
def test_an_ensemble_that_is_not_valid_is_one_line(ensembles: Any, message: str) -> None:
    evaluation = {"classify": {"baseline": None, "ensembles": ensembles}}
    with pytest.raises(UserError, match=message):
        params.parse({"models": {"classify": {"gru": {}, "lstm": {}}}, "evaluation": evaluation})
