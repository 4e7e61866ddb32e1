"""Numbers as text and CSV."""

import pytest

from strokecast.evaluation.common import tables


def test_undefined_values_are_empty_cells(tmp_path):
    rows = [{"a": 1 / 3, "b": float("nan"), "c": None}, {"a": 7, "c": "x,y"}]
    tables.write_csv(tmp_path / "t.csv", ("a", "b", "c"), rows)
    assert (tmp_path / "t.csv").read_bytes() == b'a,b,c\n0.333333,,\n7,,"x,y"\n'


def test_undefined_metrics_are_left_out():
    assert tables.round_finite({"mae": 1234567.0, "mase": float("nan")}) == {"mae": 1234570.0}


def test_numbers_for_readers_are_short():
    values = [36282.7, -1234.0, 297.44, 3.954, 0.0001234, 1.5e90]
    assert [tables.format_number(value) for value in values] == [
        "36,283",
        "-1,234",
        "297.4",
        "3.95",
        "0.000123",
        "1.5e+90",
    ]


def test_mean_and_spread():
    assert tables.mean_and_spread([{"x": 1.0}]) == {"x": 1.0}
    assert tables.mean_and_spread([{"x": 1.0}, {"x": 3.0}]) == {"x": 2.0, "x_spread": pytest.approx(2**0.5)}


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("<b>x</b>", r"\<b\>x\</b\>"),
        ("$_$ *x* [y](z) `q`", r"\$\_\$ \*x\* \[y\](z) \`q\`"),
        ("seasonal_naive_7: 12.3 ± 0.4 (-)", "seasonal_naive_7: 12.3 ± 0.4 (-)"),
    ],
)
def test_names_are_no_markup_in_markdown(text, escaped):
    assert tables.escape_markdown(text) == escaped
    table = tables.to_markdown(["model", text], [["a", text]])
    assert table.count(escaped) == 2
    assert len(set(map(len, table.splitlines()))) == 1
