"""The notes name the networks with a residual and the rows that are corrected."""

from strokecast.evaluation.board.level_notes import level_notes


def test_rows_with_the_same_choice_share_a_sentence() -> None:
    half = "0.5 times the mean of the last 28 errors of each day ahead"
    levels = {
        "gru": {"residual": "mean_28", "correction": {"a": half, "b": half}},
        "gru-seed2": {"residual": "mean_28"},
        "lstm": {"residual": "last_week"},
        "ridge": {"correction": {"": half}},
    }
    assert level_notes({"levels": levels}) == [
        "Networks that forecast the distance from a recent level (residual). mean_28: gru, gru-seed2; last_week: lstm.",
        f"Corrected by their last known errors, chosen on validation origins: gru, ridge: plus {half}.",
    ]
    assert level_notes({"levels": {}}) == level_notes({}) == []
