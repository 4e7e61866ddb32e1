"""`strokecast sample`: sheets, files and tables of drawings, and options that are not valid."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from strokecast.commands.cli import main
from strokecast.common.paths import model_dir
from strokecast.inference import drawing_generator, predictor
from strokecast.sources.formats import npz

Sample = Callable[..., Result]


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, specs: dict[str, Any]) -> Sample:
    """The command in a project whose `class_decoder` encodes class and temperature, and seed, as moves."""
    folder = model_dir("draw", "class_decoder", 1, tmp_path / "models")
    folder.mkdir(parents=True)
    (tmp_path / "dvc.yaml").touch()
    (folder / "config.json").write_text(json.dumps({"seed": 1}))
    (tmp_path / "reports/draw").mkdir(parents=True)
    summary = {"champion": {"model": "class_decoder"}}
    (tmp_path / "reports/draw/summary.json").write_text(json.dumps(summary))
    monkeypatch.chdir(tmp_path)

    def draw(network: Any, labels: Any, temperature: float, seed: int, limit: int) -> list[np.ndarray]:
        numbers = [-1] * labels if isinstance(labels, int) else labels
        return [np.array([[k, temperature, 0], [seed, at, 1]], np.float32) for at, k in enumerate(numbers)]

    def run(output: str, *options: str, conditional: bool = True) -> Result:
        fake = SimpleNamespace(sample=draw, is_conditional=lambda network: conditional)
        monkeypatch.setattr(drawing_generator, "sampling", fake)
        generator = drawing_generator.DrawingGenerator(None, specs["draw"])
        monkeypatch.setattr(predictor, "load", lambda folder: generator)
        return CliRunner().invoke(main, ["sample", "--model", "champion", "--output", output, *options])

    return run


def test_an_npz_has_the_exact_drawings_of_a_class(sample: Sample) -> None:
    result = sample("out.npz", "--class", "square", "-n", "3", "--seed", "2", "--temperature", "0.25")
    assert result.output == "class_decoder (the champion of reports/draw): 3 drawings of square -> out.npz\n"
    drawings = npz.read_class(Path("out.npz"))
    assert [len(drawings[split]) for split in ("train", "valid", "test")] == [3, 0, 0]
    np.testing.assert_array_equal(drawings["train"][2], np.float32([[12.5, 3.125, 0], [25, 25, 1]]))


def test_a_table_has_every_class_by_default(sample: Sample) -> None:
    assert sample("out.parquet", "-n", "2").exit_code == 0
    rows = pq.read_table("out.parquet").to_pylist()
    assert [row["label"] for row in rows] == ["circle", "circle", "square", "square", "a spiral", "a spiral"]
    assert rows[-1]["strokes"][0] == pytest.approx([25.0, 3.75, 0.0])


@pytest.mark.parametrize("conditional", [True, False])
def test_a_sheet_has_rows_of_equal_width(sample: Sample, conditional: bool) -> None:
    classes = ["--class", "square", "--class", "circle"] if conditional else []
    result = sample("out.svg", "-n", "12", *classes, conditional=conditional)
    assert result.exit_code == 0, result.output
    text = Path("out.svg").read_text()
    cells = {(row, column) for row in range(9) for column in range(9) if f'id="cell-{row}-{column}"' in text}
    assert cells == {(row, column) for row in range(4 if conditional else 2) for column in range(6)}


@pytest.mark.parametrize(
    ("options", "conditional", "message"),
    [
        (
            ("out.svg", "--class", "squire"),
            True,
            "--class: 'squire' is not a class of class_decoder; choose one of",
        ),
        (("out.svg", "--class", "square"), False, "class_decoder is unconditional"),
        (("out.npz",), True, "an .npz file has the drawings of one class, not of 3"),
        (("out.gif",), True, "allowed: a file ending in .svg, .png, .pdf, .npz, .parquet"),
        (("out.svg", "--training-seed", "7"), True, "was not trained with seed 7"),
    ],
)
def test_options_that_are_not_valid(
    sample: Sample, options: tuple[str, ...], conditional: bool, message: str
) -> None:
    result = sample(*options, conditional=conditional)
    assert result.exit_code == 1
    assert message in result.output
    assert not list(Path().glob("out*"))


def test_a_temperature_that_is_not_a_number_is_refused(sample: Sample) -> None:
    result = sample("out.svg", "--temperature", "nan")
    assert result.exit_code == 2
    assert "nan is not a number" in result.output
    assert not list(Path().glob("out*"))
