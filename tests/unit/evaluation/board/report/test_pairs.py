"""The matrix of pairwise differences."""

from strokecast.common.files import read_json
from strokecast.evaluation.board.report.pairs import pair_matrix


def test_each_cell_is_row_minus_column_with_its_verdict(reports):
    matrix = pair_matrix(reports / "classify", read_json(reports / "classify/summary.json"))
    verdicts = [[cell.verdict for cell in row] for row in matrix]  # good, twin, poor
    assert verdicts == [["empty", "same", "better"], ["same", "empty", "better"], ["worse", "worse", "empty"]]
    assert matrix[0][2].text.startswith("+4")
    assert matrix[2][0].text == matrix[0][2].text.replace("+", "-")
    assert matrix[2][0].detail.startswith(f"poor minus good: {matrix[2][0].text} (-")
    assert matrix[2][0].detail.endswith("poor is worse")


def test_a_lower_error_is_better(reports):
    sharp, naive, offset = pair_matrix(reports / "forecast", read_json(reports / "forecast/summary.json"))
    assert (sharp[1].verdict, naive[0].verdict, offset[0].verdict) == ("better", "worse", "worse")
    assert sharp[1].text.startswith("-")
