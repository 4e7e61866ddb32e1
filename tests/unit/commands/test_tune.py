"""The patch of params.yaml, and mistakes in the options."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from strokecast.commands import tune
from strokecast.commands.cli import main
from strokecast.common.errors import UserError
from strokecast.tuning import storage

TEXT = """models:
  classify:
    gru: {enabled: true, training: {epochs: 4}}  # two layers
    logistic: {enabled: true}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "params.yaml").write_text(TEXT)
    return tmp_path / "params.yaml"


def test_a_patch_has_the_values_that_differ_and_keeps_comments(path: Path) -> None:
    best = {"config.units": 64, "config.bidirectional": False, "training.learning_rate": 0.00312}
    current = {"config.units": 96, "config.bidirectional": False, "training.learning_rate": 0.004}
    diff, text = tune.patch("classify", "gru", best, current, path)
    line = "    gru: {enabled: true, training: {epochs: 4, learning_rate: 0.00312}, config: {units: 64}}  # two layers\n"
    assert text == TEXT.replace(TEXT.splitlines(keepends=True)[2], line)
    assert [row for row in diff.splitlines() if row.startswith("+")][1:] == [f"+{line}".rstrip("\n")]
    assert tune.patch("classify", "gru", current, current, path) == ("", TEXT)


def test_a_model_that_is_not_in_the_file_gets_an_entry(path: Path) -> None:
    _, text = tune.patch("forecast", "ridge", {"config.lags": 7}, {"config.lags": 14}, path)
    assert text == TEXT + "  forecast: {ridge: {config: {lags: 7}}}\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "gru", "--trials", "0"], "Invalid value for '--trials': 0 is not in the range"),
        (["--model", "gru", "--sampler", "best"], "Invalid value for '--sampler'"),
        (["--model", "grux"], "error: params.yaml: models.classify.grux: unknown architecture 'grux'"),
        (["--model", "gru", "--name", "a/b"], "error: --name: 'a/b' is not the name of a study"),
        (["--model", "gru", "--only", "units"], "error: --only: 'units' has no range"),
        (["--model", "gru", "--space", "x.yaml"], "x.yaml: no such file"),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    (tmp_path / "dvc.yaml").touch()
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["tune", "--task", "classify", *options])
    assert result.exit_code != 0
    assert message in result.output
    assert "Traceback" not in result.output


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="optuna is not installed; install the extra `tune`"):
        storage.import_optuna()
