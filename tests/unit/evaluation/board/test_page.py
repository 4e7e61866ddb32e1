"""The report page, from hand-made reports."""

import json
import re

import pytest

from strokecast.common.files import read_json
from strokecast.evaluation.board.leaderboard import read_tables, write_markdown
from strokecast.evaluation.board.page import inline_json, write_page
from strokecast.evaluation.board.task_tables import make_table


def page_text(path):
    """The page without Plotly's script, which has markup of its own."""
    return re.sub(r"<script>/\*\*\n\* plotly.*?</script>", "", path.read_text(), flags=re.DOTALL)


@pytest.fixture(scope="module")
def page(reports, tmp_path_factory):
    """The page of classify and forecast, written twice."""
    folder = tmp_path_factory.mktemp("page")
    tables = read_tables(reports, ("classify", "forecast"))
    for name in ("index.html", "again.html"):
        write_page(folder / name, reports, tables, ["<b>data</b>"])
    return folder / "index.html"


def embedded(page, data_id):
    """The JSON that the page embeds with this id."""
    (text,) = re.findall(rf'<script type="application/json" id="{data_id}">(.*?)</script>', page.read_text())
    return json.loads(text)


def test_the_page_is_self_contained_escaped_and_names_its_sources(page):
    assert page.read_bytes() == page.with_name("again.html").read_bytes()
    text = page_text(page)
    assert len(text) < len(page.read_text()) - 1_000_000  # Plotly is part of it
    assert "&lt;b&gt;data" in text
    assert "http" not in text
    assert not re.search(r"<(script|img|link|iframe)[^>]*(src|href)=(?!\"data:)", text)
    assert page.stat().st_size < 15_000_000


def test_each_anchor_of_the_page_exists_once(page):
    text = page_text(page)
    anchors = re.findall(r' id="([^"]+)"', text)
    assert len(anchors) == len(set(anchors))
    links = set(re.findall(r'href="#([^"]+)"', text))
    assert links <= set(anchors)
    tasks = {
        "classify-leaderboard",
        "classify-pairs",
        "classify-costs",
        "classify-curves",
        "classify-calibration",
    }
    assert tasks | {"forecast-leaderboard", "forecast-calibration", "forecast-breakdown"} <= links


def test_the_charts_have_one_trace_per_model_and_a_text_alternative(page):
    curves = embedded(page, "classify-curves-data")["valid_accuracy"]["traces"]
    assert [trace["name"] for trace in curves] == ["good", "good-seed2", "twin", "poor"]
    assert [trace["meta"]["model"] for trace in curves] == [0, 0, 1, 2]
    assert curves[0]["x"] == [1, 2, 3]
    reliability = embedded(page, "classify-calibration-data")["reliability"]["traces"]
    assert [trace["name"] for trace in reliability] == ["perfect", "good", "twin", "poor"]
    coverage = embedded(page, "forecast-calibration-data")["coverage"]["traces"]
    assert coverage[1]["x"] == [50, 80, 95]
    assert coverage[-1]["y"] == [0, 0, 0]
    labels = re.findall(r'<div class="chart" role="img" aria-label="([^"]*)"', page_text(page))
    assert len(labels) >= 8
    assert all(labels)


def test_names_of_the_user_are_no_markup(reports, tmp_path):
    summary = read_json(reports / "forecast/summary.json")
    odd = "<script>a|b</script> $_$"
    table = make_table(summary | {"series": odd, "unit": odd})
    write_page(tmp_path / "index.html", reports, [table], [])
    write_markdown(tmp_path / "leaderboard.md", [table], [])
    page, board = page_text(tmp_path / "index.html"), (tmp_path / "leaderboard.md").read_text()
    assert "<script>a|b" not in page + board.replace(r"\<", "")
    assert page.count("&lt;script&gt;a|b&lt;/script&gt; $_$") >= 3
    assert board.count(r"\<script\>a\|b\</script\> \$\_\$") >= 3


def test_embedded_json_cannot_end_its_element():
    value = {"a": "</script><!-- & \u2028"}
    text = str(inline_json(value))
    assert not set("<>&") & set(text)
    assert json.loads(text) == value


def test_the_page_names_revision_environment_and_drift(reports, classify_inputs, tmp_path):
    models = classify_inputs.trained_models.finished[0].folder.parents[2]
    drift = {"alpha": 0.01, "comparisons": [{"a": "train", "b": "test", "features": [
        {"feature": "ink", "test": "ks", "effect": 0.4, "p_adjusted": 1e-6, "drifted": True, "a": 12.0, "b": 13.5},
        {"feature": "label", "test": "none", "effect": None, "p_adjusted": None, "drifted": False},
    ]}]}  # fmt: skip
    rule = {"rule": "bad_pen", "action": "warn", "statement": "pens are 0 or 1", "success": False}
    report = {
        "source": "made", "read": 1200, "accepted": 1190, "quarantined": 10, "rejects": {"bad_pen": 10},
        "counts": {"train": {"ant": 1000, "bed": 190}}, "drift": drift,
        "expectations": [rule | {"unexpected_count": 10, "examples": ["ant/3"]}],
    }  # fmt: skip
    (tmp_path / "validated/sketches").mkdir(parents=True)
    (tmp_path / "validated/sketches/report.json").write_text(json.dumps(report))
    run = models / "classify/good/seed-2/run.json"
    changed = tmp_path / "models/classify/good/seed-2"
    (changed / "pyfunc").mkdir(parents=True)
    recorded = read_json(run) | {"git_commit": "abcdef0123456789", "git_dirty": True, "device": "cpu"}
    (changed / "run.json").write_text(json.dumps(recorded))
    (changed / "pyfunc/requirements.txt").write_text("keras==3\nnumpy==2\n")
    (changed / "pyfunc/python_env.yaml").write_text("python: 3.11.7\n")
    tables = read_tables(reports, ("classify",))
    datasets = ("sketches", "series")
    write_page(
        tmp_path / "index.html", reports, tables, [], tmp_path / "models", tmp_path / "validated", datasets
    )
    text = page_text(tmp_path / "index.html")
    assert "<code>abcdef012345 with uncommitted changes</code> (1 training)" in text
    assert "<dd>Python 3.11.7, keras==3, numpy==2</dd>" in text
    assert "10 (bad_pen: 10)" in text
    assert "0 of 1 found nothing" in text
    assert '<tr class="drifted"><th scope="row">ink</th><td>12.0</td><td>13.5</td>' in text
    assert "<td>not tested</td>" in text
