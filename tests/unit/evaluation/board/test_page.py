"""The report page, from hand-made reports."""

from strokecast.common.files import read_json
from strokecast.evaluation.board.leaderboard import read_tables, write_markdown
from strokecast.evaluation.board.page import write_page
from strokecast.evaluation.board.task_tables import make_table


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


def test_names_of_the_user_are_no_markup(reports, tmp_path):
    summary = read_json(reports / "forecast/summary.json")
    odd = "<script>a|b</script> $_$"
    table = make_table(summary | {"series": odd, "unit": odd})
    write_page(tmp_path / "index.html", reports, [table], [])
    write_markdown(tmp_path / "leaderboard.md", [table], [])
    page, board = ((tmp_path / name).read_text() for name in ("index.html", "leaderboard.md"))
    assert "<script" not in page + board.replace(r"\<", "")
    assert page.count("&lt;script&gt;a|b&lt;/script&gt; $_$") >= 3
    assert board.count(r"\<script\>a\|b\</script\> \$\_\$") >= 3
