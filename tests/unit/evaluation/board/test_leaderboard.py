"""The leaderboard as CSV and Markdown, from hand-made reports."""

import json
import shutil

import pytest

from strokecast.common.errors import UserError
from strokecast.evaluation.board import leaderboard


def test_leaderboard_files(reports, tmp_path, read_csv):
    tables = leaderboard.read_tables(reports, ("classify", "forecast"))
    leaderboard.write_csv(tmp_path / "leaderboard.csv", tables)
    rows = read_csv(tmp_path / "leaderboard.csv")
    assert [(row["task"], row["rank"], row["model"]) for row in rows][:2] == [
        ("classify", "1", "good"),
        ("classify", "2", "twin"),
    ]
    assert rows[0]["training_ids"] == "id-classify-good-1 id-classify-good-2"
    assert rows[0]["mae"] == ""
    assert float(rows[-1]["mae"]) == pytest.approx(100)
    leaderboard.write_markdown(tmp_path / "leaderboard.md", tables, ["Drawings by people (CC BY 4.0)."])
    text = (tmp_path / "leaderboard.md").read_text()
    assert text.index("| good") < text.index("| poor") < text.index("## forecast")
    assert text.rstrip().endswith("- Drawings by people (CC BY 4.0).")


def test_a_task_without_evaluation_is_named(reports, tmp_path):
    shutil.copytree(reports / "classify", tmp_path / "classify")
    with pytest.raises(UserError, match="dvc repro evaluate-forecast"):
        leaderboard.read_tables(tmp_path, ("classify", "forecast"))


def test_a_task_that_was_skipped_is_left_out(reports, tmp_path, read_csv):
    summary = {"task": "watch", "models": [], "outcome": "skipped: no model of watch is enabled"}
    (reports / "watch").mkdir(exist_ok=True)
    (reports / "watch/summary.json").write_text(json.dumps(summary))
    tables = leaderboard.read_tables(reports, ("classify", "watch", "forecast"))
    assert [table.summary["task"] for table in tables] == ["classify", "forecast"]
    leaderboard.write_csv(tmp_path / "leaderboard.csv", tables)
    assert {row["task"] for row in read_csv(tmp_path / "leaderboard.csv")} == {"classify", "forecast"}


def test_attributions_name_the_sources_that_ask_for_it(tmp_path):
    for name, text, licence in (("sketches", "Quick, Draw! by Google", "CC BY 4.0"), ("series", "", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "source.json").write_text(json.dumps({"attribution": text, "licence": licence}))
    assert leaderboard.read_attributions(tmp_path, ("sketches", "series")) == [
        "Quick, Draw! by Google. Licence: CC BY 4.0."
    ]
