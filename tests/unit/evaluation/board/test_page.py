"""The report page, from hand-made reports."""

from strokecast.evaluation.board.leaderboard import read_tables
from strokecast.evaluation.board.page import write_page


def test_the_page_is_self_contained_escaped_and_names_its_sources(reports, tmp_path):
    tables = read_tables(reports, ("classify", "forecast"))
    write_page(tmp_path / "index.html", reports, tables, ["<b>data</b>"])
    write_page(tmp_path / "again.html", reports, tables, ["<b>data</b>"])
    text = (tmp_path / "index.html").read_text()
    assert text == (tmp_path / "again.html").read_text()
    assert "&lt;b&gt;data" in text
    assert text.count("data:image/svg+xml;base64,") == 10
    assert "http" not in text
    assert "<script" not in text
