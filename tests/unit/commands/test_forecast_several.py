"""`strokecast forecast` with global models, which learned several series."""

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from strokecast.commands import forecast as forecast_command
from strokecast.commands.cli import main
from strokecast.common import figures


@pytest.fixture
def run_command(several_series, tmp_path, monkeypatch):
    """Function that runs the command on a table."""
    monkeypatch.chdir(several_series.root)
    Path("dvc.yaml").touch()

    def run(table, model="linear", *arguments):
        table.to_csv(tmp_path / "in.csv", index=False)
        options = [
            "--model",
            model,
            "--input",
            str(tmp_path / "in.csv"),
            "--output",
            str(tmp_path / "out.csv"),
            *arguments,
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


def test_a_plot_shows_the_first_series(run_command, history, tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(forecast_command, "MAX_PANELS", 2)
    monkeypatch.setattr(figures, "save", lambda figure, path, _: (saved.append(figure), path.touch()))
    result = run_command(
        history("tram", "rail", "bus"), "seasonal_naive_7", "--plot", str(tmp_path / "drawn.png")
    )
    assert result.output.endswith("drawn.png (the first 2 of 3 series)\n")
    assert [axes.get_title() for axes in saved[0].axes] == [
        "tram: seasonal_naive_7",
        "rail: seasonal_naive_7",
    ]
    assert pd.read_csv(tmp_path / "out.csv")["unique_id"].nunique() == 3


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


def test_series_that_are_not_valid_can_be_left_out(run_command, history, tmp_path):
    tables = {name: history(name) for name in ("tram", "rail", "bus")}
    tables["rail"]["y"] = ["n/a", *tables["rail"]["y"][1:]]  # a row rule
    tables["bus"] = tables["bus"].tail(2)  # too short
    ferry = tables["tram"].assign(unique_id="ferry")
    table = pd.concat([*tables.values(), ferry])
    result = run_command(table)
    assert (result.exit_code, result.output.count("\n")) == (1, 1), result.output
    result = run_command(table, "linear", "--skip-invalid")
    assert result.exit_code == 0, result.output
    lines = [line for line in result.output.splitlines() if "is left out" in line]
    assert [line.partition(" is left out: ")[0].rpartition(" ")[2] for line in lines] == [
        "rail",
        "bus",
        "ferry",
    ]
    assert "non_numeric (row" in lines[0]
    forecast = pd.read_csv(tmp_path / "out.csv")
    alone = run_command(tables["tram"])
    assert alone.exit_code == 0
    pd.testing.assert_frame_equal(forecast, pd.read_csv(tmp_path / "out.csv"))


@pytest.mark.parametrize("cell", ["n/a", None])
def test_an_input_without_a_valid_series_writes_nothing(run_command, history, tmp_path, cell):
    table = history("tram").tail(2) if cell is None else history("tram").assign(y=cell)
    result = run_command(table, "linear", "--skip-invalid")
    assert result.exit_code == 1
    assert result.output.count("left out") == 1
    assert not (tmp_path / "out.csv").exists()
