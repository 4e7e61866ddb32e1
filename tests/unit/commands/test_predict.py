"""`strokecast predict`: every format, bad rows beside the good, options, and that nothing half written is left."""

from __future__ import annotations

import csv
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from strokecast.commands import drawing_input
from strokecast.commands.cli import main
from strokecast.common.paths import model_dir
from strokecast.inference import batch
from strokecast.models.common import registry
from strokecast.sources.formats import npz

SQUARE = [[[0, 255, 255, 0, 0], [0, 0, 255, 255, 0]]]  # strokes of (x, y)
LINE = [[[0, 255], [0, 40]], [[0, 255], [80, 120]]]
KAGGLE = "key_id,drawing,word,countrycode,timestamp,recognized"

Predict = Callable[..., Result]


def line(key_id: int, drawing: Any = SQUARE, word: str = "square", **fields: Any) -> str:
    record = {
        "word": word,
        "countrycode": "NZ",
        "timestamp": "2017",
        "recognized": True,
        "key_id": str(key_id),
    }
    return json.dumps(record | {"drawing": drawing} | fields)


def raw(drawing: Any) -> Any:
    return [[xs, ys, [100 * step for step in range(len(xs))]] for xs, ys in drawing]


def deltas(*rows: tuple[int, int, int]) -> np.ndarray:
    return np.array(rows, np.int16)


def binary_record(key_id: int, strokes: Any) -> bytes:
    data = struct.pack("<Q2sbIH", key_id, b"NZ", 1, 0, len(strokes))
    for xs, ys in strokes:
        data += struct.pack("<H", len(xs)) + bytes(xs) + bytes(ys)
    return data


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, specs: dict[str, dict[str, Any]]) -> Path:
    """A project with `nearest_neighbour`, of squares and of pairs of lines, in both tasks, the champion of classify."""
    root = tmp_path_factory.mktemp("predict")
    (root / "dvc.yaml").touch()
    spec = {**specs["classify"], "scale": 100.0}
    architecture = registry.get("classify", "nearest_neighbour")
    strokes = np.zeros((3, 16, 3), np.float32)
    strokes[0, :4] = [[2.55, 0, 0], [0, 2.55, 0], [-2.55, 0, 0], [0, -2.55, 1]]
    strokes[1:, :3] = [[2.55, 0.4, 1], [-2.55, 0.4, 0], [2.55, 0.4, 1]]
    strokes[2, 0] = [0.1, 2.55, 1]
    for task in ("classify", "watch"):
        folder = model_dir(task, "nearest_neighbour", 1, root / "models")
        folder.mkdir(parents=True)
        model = architecture.build(architecture.testing, spec)
        model.fit([(strokes, np.array([4, 3, 3]), np.array([1, 0, 2]))])
        model.save(folder)
        (folder / "spec.json").write_text(json.dumps(spec))
        config = {"task": "classify", "name": "nearest_neighbour", "seed": 1, "training": None}
        config_text = json.dumps({**config, "config": architecture.testing.model_dump(mode="json")})
        (folder / "config.json").write_text(config_text)
    (root / "reports/classify").mkdir(parents=True)
    champion = {"champion": {"model": "nearest_neighbour"}}
    (root / "reports/classify/summary.json").write_text(json.dumps(champion))
    return root


@pytest.fixture
def predict(project: Path, monkeypatch: pytest.MonkeyPatch) -> Predict:
    monkeypatch.chdir(project)

    def run(source: Path, output: Path, *options: str, model: str = "champion") -> Result:
        arguments = ["--model", model, "--input", str(source), "--output", str(output), *options]
        return CliRunner().invoke(main, ["predict", *arguments])

    return run


def rows_of(output: Path) -> list[dict[str, Any]]:
    if output.suffix == ".parquet":
        return pq.read_table(output).to_pylist()
    with output.open(newline="") as file:
        return list(csv.DictReader(file))


def write_formats(folder: Path) -> dict[str, Path]:
    """A square and a pair of lines in every format."""
    square = deltas((255, 0, 0), (0, 255, 0), (-255, 0, 0), (0, -255, 1))
    lines = deltas((255, 40, 1), (-255, 40, 0), (255, 40, 1))
    paths = {
        "simplified": folder / "a.ndjson",
        "raw": folder / "b.ndjson",
        "kaggle": folder / "c.csv",
        "binary": folder / "d.bin",
        "npz": folder / "square.npz",
        "points": folder / "e.parquet",
        "strokes": folder / "f.parquet",
    }
    paths["simplified"].write_text(f"{line(1)}\n{line(2, LINE, 'circle')}\n")
    paths["raw"].write_text(f"{line(1, raw(SQUARE))}\n{line(2, raw(LINE), 'circle')}\n")
    cells = [f'{key},"{json.dumps(drawing)}",square,NZ,t,True' for key, drawing in ((1, SQUARE), (2, LINE))]
    paths["kaggle"].write_text("\n".join([KAGGLE, *cells]))
    paths["binary"].write_bytes(binary_record(1, SQUARE) + binary_record(2, LINE))
    npz.write_class(paths["npz"], {"train": [square], "valid": [], "test": [lines]})
    both = [square.tolist(), lines.tolist()]
    flat = [[value for row in rows for value in row] for rows in both]
    pq.write_table(pa.table({"points": pa.array(flat, pa.list_(pa.float32()))}), paths["points"])
    pq.write_table(pa.table({"strokes": both, "label": ["square", None]}), paths["strokes"])
    return paths


def test_every_format_has_the_same_predictions(predict: Predict, tmp_path: Path) -> None:
    outputs = {}
    for name, path in write_formats(tmp_path).items():
        result = predict(path, output := tmp_path / "out" / f"{name}.parquet")
        assert result.exit_code == 0, result.output
        outputs[name] = rows_of(output)
    for name, (first, second) in outputs.items():
        assert [first["predicted"], second["predicted"]] == ["square", "circle"], name
        assert [first["probability"], second["probability"]] == pytest.approx(
            [outputs["simplified"][0]["probability"], outputs["simplified"][1]["probability"]]
        ), name
        assert first["error"] is None, name
        assert first["probability"] + first["probability_2"] + first["probability_3"] == pytest.approx(1.0)
    assert [row["id"] for row in outputs["npz"]] == ["train/0", "test/0"]
    assert [row["label"] for row in outputs["npz"]] == ["square", "square"]  # the name of the file
    assert [(row["row"], row["id"]) for row in outputs["kaggle"]] == [(2, "1"), (3, "2")]
    assert [row["label"] for row in outputs["simplified"]] == ["square", "circle"]
    assert [row["label"] for row in outputs["strokes"]] == ["square", None]


def test_a_folder_is_one_output_in_the_order_of_its_files(predict: Predict, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_formats(folder)
    (folder / "notes.txt").write_text("no drawing")
    result = predict(folder, tmp_path / "out.csv", "--top", "1")
    assert result.output == (
        "nearest_neighbour (the champion of reports/classify): 14 drawings -> "
        f"{tmp_path / 'out.csv'}, 77.8% of the 9 with a known class are correct\n"
    )
    rows = rows_of(tmp_path / "out.csv")
    assert list(rows[0]) == ["file", "row", "id", "label", "predicted", "probability", "error"]
    names = [row["file"] for row in rows]
    assert names == sorted(names)


def test_a_bad_row_costs_that_row_alone(
    predict: Predict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "CHUNK_ROWS", 3)
    path = tmp_path / "a.ndjson"
    lines = [line(n) for n in range(1, 8)]
    lines[3] = lines[3][:40]
    lines[5] = line(6, [[[7], [7]]])  # a dot
    path.write_text("\n".join(lines))
    result = predict(path, tmp_path / "out.parquet")
    assert result.exit_code == 0
    warning, outcome = result.output.splitlines()
    assert warning.startswith(
        "warning: 2 of 7 rows have no prediction (1 not_json, 1 empty): a.ndjson:4 not_json: "
    )
    assert "5 drawings -> " in outcome
    rows = rows_of(tmp_path / "out.parquet")
    assert [row["row"] for row in rows] == list(range(1, 8))
    assert [row["predicted"] for row in rows] == [None if row["error"] else "square" for row in rows]
    assert [bool(row["error"]) for row in rows] == [False, False, False, True, False, True, False]
    assert rows[3]["probability"] is None


def test_damaged_drawings_of_npz_and_parquet_are_rows_too(predict: Predict, tmp_path: Path) -> None:
    good = deltas((255, 0, 0), (0, 255, 1))
    bad = [good[:, :2], good.astype(np.float32) * np.nan, deltas((1, 1, 7)), good[:0]]
    array = np.empty(5, object)
    array[:] = [good, *bad]
    empty = np.empty(0, object)
    np.savez(tmp_path / "a.npz", train=empty, valid=empty, test=array)
    assert predict(tmp_path / "a.npz", tmp_path / "a.csv").exit_code == 0
    errors = [row["error"].partition(":")[0] for row in rows_of(tmp_path / "a.csv")]
    assert errors == ["", "bad_shape", "bad_value", "bad_value", "empty"]
    cells = [[1.0, 0, 1], [1.0, 0], None, [1.0, 0, 2]]
    pq.write_table(pa.table({"points": pa.array(cells, pa.list_(pa.float32()))}), tmp_path / "b.parquet")
    assert predict(tmp_path / "b.parquet", tmp_path / "b.csv").exit_code == 0
    errors = [row["error"].partition(":")[0] for row in rows_of(tmp_path / "b.csv")]
    assert errors == ["", "bad_shape", "empty", "bad_value"]


def test_a_file_that_ends_within_a_record_and_a_damaged_one_leave_the_others(
    predict: Predict, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.bin").write_bytes(binary_record(1, SQUARE) + binary_record(2, SQUARE)[:-2])
    (folder / "b.npz").write_bytes(b"PK\x03\x04")
    (folder / "c.csv").write_text("x,y\n1,2\n")
    (folder / "d.ndjson").write_text(line(1))
    result = predict(folder, tmp_path / "out.parquet")
    assert result.exit_code == 0, result.output
    rows = rows_of(tmp_path / "out.parquet")
    assert [(row["file"], row["row"], row["error"] is None) for row in rows] == [
        ("a.bin", 1, True),
        ("a.bin", 2, False),
        ("b.npz", None, False),
        ("c.csv", None, False),
        ("d.ndjson", 1, True),
    ]
    assert "3 of 5 rows have no prediction (2 unreadable, 1 cut)" in result.output


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.ndjson", "", "has no drawing; allowed: a file of the formats raw"),
        ("a.ndjson", "nothing\n" * 3, "has no drawing (a.ndjson:1 not_json: "),
        ("a.ndjson", "%PDF-1.7", "is a PDF document, not simplified ndjson"),
        ("a.csv", "ds,y\n2020-01-01,1\n", "lacks the columns key_id, drawing"),
        ("a.txt", "x", "the suffix '.txt' names no format of drawings"),
        ("a.parquet", "x", "is damaged or not a Parquet file"),
    ],
)
def test_an_input_without_drawings_writes_nothing(
    predict: Predict, tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / name).write_text(text)
    result = predict(tmp_path / name, tmp_path / "out" / "out.parquet")
    assert result.exit_code == 1
    assert message in result.output
    assert len(result.output.splitlines()) == 1
    assert not list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else True


def test_another_format_is_noticed_early(
    predict: Predict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing_input, "_MAX_LEADING_ERRORS", 3)
    (tmp_path / "a.ndjson").write_text("x\n" * 9)
    files = drawing_input.find_files(tmp_path / "a.ndjson")
    errors = [row.error for row in drawing_input.read(files, ())]
    assert errors[3:] == ["unreadable: none of the first 3 rows is a simplified drawing"]


def test_options_that_are_not_valid(predict: Predict, tmp_path: Path, project: Path) -> None:
    source = tmp_path / "a.ndjson"
    source.write_text(line(1))
    (tmp_path / "b.csv").write_text(KAGGLE)
    cases = [
        ((source, tmp_path / "out.xlsx"), {}, "allowed: a file ending in .parquet, .csv"),
        ((tmp_path, tmp_path / "b.csv"), {}, "is also an input"),
        (
            (source, tmp_path / "out.csv"),
            {"model": "nearest_neighbour"},
            "is a model of classify and of watch",
        ),
        ((source, tmp_path / "out.csv"), {"model": "other"}, "choose one of nearest_neighbour"),
        ((tmp_path / "none", tmp_path / "out.csv"), {}, "the suffix '' names no format"),
        ((tmp_path / "none.csv", tmp_path / "out.csv"), {}, "no such file"),
        ((source, tmp_path / "out.csv", "--seed", "3"), {}, "was not trained with seed 3"),
    ]
    for arguments, options, message in cases:
        result = predict(*arguments, **options)
        assert result.exit_code == 1, message
        assert message in result.output
    assert not (tmp_path / "out.csv").exists()


def test_kaggle_test_files_have_no_class(predict: Predict, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f'key_id,countrycode,drawing\n1,NZ,"{json.dumps(SQUARE)}"\n')
    result = predict(tmp_path / "a.csv", Path("-"), "--top", "9")
    assert "nearest_neighbour (the champion of reports/classify): 1 drawing -> -\n" in result.output
    assert '"a.csv",2,"1",,"square",' in result.output


def test_an_interrupted_command_leaves_the_former_file(
    predict: Predict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> Iterator[Any]:
        yield batch.InputRow("a", 1, error="x: y")
        raise KeyboardInterrupt

    (tmp_path / "a.ndjson").write_text(line(1))
    (tmp_path / "out.parquet").write_text("former")
    monkeypatch.setattr(drawing_input, "read", interrupted)
    assert predict(tmp_path / "a.ndjson", tmp_path / "out.parquet").exit_code == 1
    assert (tmp_path / "out.parquet").read_text() == "former"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.ndjson", "out.parquet"]


def test_rows_are_counted_for_the_progress_bar(tmp_path: Path) -> None:
    paths = write_formats(tmp_path)
    for name in ("simplified", "raw", "kaggle", "points"):
        assert drawing_input.count_rows(drawing_input.find_files(paths[name])) == 2, name
    assert drawing_input.count_rows(drawing_input.find_files(tmp_path)) is None
