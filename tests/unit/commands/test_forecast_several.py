"""`strokecast forecast` with global models, which learned several series."""

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from strokecast.commands.cli import main


@pytest.fixture
def run_command(several_series, tmp_path, monkeypatch):
    """Function that runs the command on a table."""
    monkeypatch.chdir(several_series.root)
    Path("dvc.yaml").touch()

    def run(table, model="linear"):
        table.to_csv(tmp_path / "in.csv", index=False)
        options = [
            "--model",
            model,
            "--input",
            str(tmp_path / "in.csv"),
            "--output",
            str(tmp_path / "out.csv"),
        ]
        return CliRunner().invoke(main, ["forecast", *options])

    return run


@pytest.fixture
def history(several_series):
    """Function that makes the table of some series."""

    def make(*names):
        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "ds": several_series.dates(name).astype(str),
                        "unique_id": name,
                        "y": several_series.values(name),
                    }
                )
                for name in names
            ]
        )

    return make


@pytest.mark.parametrize("model", ["seasonal_naive_7", "ridge", "linear"])
def test_the_command_forecasts_the_series_in_its_input(run_command, history, tmp_path, model):
    result = run_command(history("tram", "rail"), model)
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "out.csv")
    assert table["unique_id"].tolist() == ["tram"] * 7 + ["rail"] * 7
    point = table.columns[2]
    means = table.groupby("unique_id")[point].mean()
    assert means["tram"] == pytest.approx(20, rel=0.5)
    assert means["rail"] == pytest.approx(5000, rel=0.5)
    assert (table["lo-80"] <= table[point]).all()


def test_an_unknown_series_is_an_error_that_lists_the_known_ones(run_command, history, tmp_path):
    unknown = history("bus").assign(unique_id="ferry")
    for table, message in (
        (unknown, "'ferry'"),
        (unknown.drop(columns="unique_id"), "no column 'unique_id'"),
    ):
        result = run_command(table)
        assert result.exit_code == 1
        assert message in result.output
        assert "choose one of bus, rail, tram" in result.output
        assert not (tmp_path / "out.csv").exists()
