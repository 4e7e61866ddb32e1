"""The task draw judged: likelihoods, the referee, sheets, reports. No network is run here."""

import csv
import json
import shutil
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.common.files import digest_tree
from strokecast.evaluation import leaderboard, page
from strokecast.evaluation.common import figures
from strokecast.evaluation.common.trainings import roster
from strokecast.evaluation.draw import figures as draw_figures
from strokecast.evaluation.draw import metrics as draw
from strokecast.evaluation.draw import report as draw_report
from strokecast.features.sketches import strokes
from strokecast.models.common import registry
from strokecast.params import DrawEvaluation, ModelEntry

CLASSES = ["ant", "bed", "the Eiffel tower"]
SPEC = {"classes": CLASSES, "scale": 7.0, "max_points": 9, "source": "doodles", "digest": "d1"}
SETTINGS = DrawEvaluation(samples=20, resamples=200, ladder=(0.1, 1.0))
SVG = "{http://www.w3.org/2000/svg}"


def drawing(seed, n=6):
    random = np.random.default_rng(seed)
    points = np.c_[random.normal(size=(n, 2)), np.zeros(n)].astype(np.float32)
    points[[n // 2, -1], 2] = 1
    return points


@pytest.fixture(scope="module")
def real():
    """Five drawings a class."""
    return draw.Drawings(np.arange(15) % 3, [drawing(seed) for seed in range(15)])


@pytest.fixture
def fake(monkeypatch):
    """Stands for `models.sampling`: what was asked is noted, what is drawn tells of it."""

    def made(conditional, latent):
        asked = []

        def sample(network, labels, temperature, seed, max_points, z=None):
            asked.append((labels, temperature, seed, max_points, None if z is None else len(z)))
            count = labels if isinstance(labels, int) else len(labels)
            return [drawing(100 + n) for n in range(count)]

        parts = SimpleNamespace(
            asked=asked,
            conditional=lambda network: conditional,
            latent_size=lambda network: 4 if latent else None,
            sample=sample,
            encode=lambda network, drawings: np.zeros((len(drawings), 4), np.float32),
            reconstruct=lambda network, drawings, labels, *rest: [-one for one in drawings],
            interpolate=lambda network, a, b, label, steps, *rest: [a] * steps,
        )
        monkeypatch.setattr(draw_figures, "sampling", parts)
        return parts

    return made


def test_likelihoods_add_up():
    told = draw.Likelihood(np.array([1.0, 3.0]), np.array([0.5, 0.0]), np.array([0.1, 0.3])).figures("valid_")
    assert told == {
        "valid_nll": 2.25,
        "valid_reconstruction": 2.0,
        "valid_kl": 0.25,
        "valid_kl_latent": pytest.approx(0.2),
    }


def test_the_interval_of_a_rate_holds_the_share_and_narrows():
    few, many = np.repeat([0.0, 1.0], 10), np.repeat([0.0, 1.0], 1000)
    share, low, high = draw.rate(few, 500, 0.95, 0)
    assert (share, low < 0.5 < high) == (0.5, True)
    _, closer, close = draw.rate(many, 500, 0.95, 0)
    assert low < closer < close < high
    assert draw.rate(np.ones(5), 100, 0.95, 0) == (1.0, 1.0, 1.0)


def test_each_class_by_itself(real):
    said = ["ant"] * 4 + ["bed", "ant", "ant", "bed"] + ["ant"] * 4
    truly = ["ant" if label == 0 else "bed" for label in real.labels]
    ant, bed, tower = draw.by_class(said, truly, real, CLASSES, 100, 0.95, 0)
    assert (ant.asked, ant.recognised, ant.low, ant.high, ant.mostly) == (4, 1.0, 1.0, 1.0, "")
    assert (bed.recognised, bed.mostly, bed.real, bed.real_recognised) == (0.5, "ant", 5, 1.0)
    assert (tower.recognised, tower.mostly, tower.real_recognised) == (0.0, "ant", 0.0)
    some = draw.Drawings(real.labels[:2], real.strokes[:2])
    assert np.isnan(draw.by_class(said, truly[:2], some, CLASSES, 100, 0.95, 0)[2].real_recognised)


def test_the_pen_starts_where_it_first_touched_and_lifts_between_strokes():
    points = np.array([[2, 0, 0], [0, 2, 1], [-2, 0, 1], [0, -2, 0], [4, 0, 1]], np.float32)
    first, dot, last = draw_figures.strokes(points)
    unit = 0.84 / 4
    np.testing.assert_allclose(np.diff(first, axis=0), [[2 * unit, 0], [0, 2 * unit]])
    np.testing.assert_allclose(dot[0], dot[1])
    np.testing.assert_allclose(dot[0] - first[0], [0, 2 * unit], atol=1e-12)
    np.testing.assert_allclose(last[0] - first[0], [0, 0], atol=1e-12)
    every = np.concatenate([first, dot, last])
    np.testing.assert_allclose((every.max(axis=0) + every.min(axis=0)) / 2, 0, atol=1e-12)
    still = draw_figures.strokes(np.array([[0, 0, 1]], np.float32))
    assert np.isfinite(still[0]).all()


def cells(path):
    """The groups of lines in an SVG sheet, by (row, column), and the paths in each."""
    found = {}
    for group in ET.parse(path).iter(f"{SVG}g"):
        name = group.get("id", "")
        if name.startswith("cell-"):
            row, column = map(int, name.split("-")[1:])
            found[row, column] = list(group.iter(f"{SVG}path"))
    return found


def test_a_sheet_has_one_group_of_lines_a_drawing_and_both_forms(tmp_path, real):
    rows = [[real.strokes[0], None, real.strokes[1]], [real.strokes[2], real.strokes[3], None]]
    figure = draw_figures.sheet(
        draw.Sheet("<title>", ["a & b", "c"], ["x", "y", "z"], rows, frozenset({(0, 2)}))
    )
    figures.save(figure, tmp_path / "sheet.svg")
    figures.save(figure, tmp_path / "sheet.png")
    found = cells(tmp_path / "sheet.svg")
    assert set(found) == {(0, 0), (0, 2), (1, 0), (1, 1)}
    assert all(len(paths) == 2 for paths in found.values()), "a path a stroke"
    orange = [place for place, paths in found.items() if "#d55e00" in paths[0].get("style", "").lower()]
    assert orange == [(0, 2)]
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_sheets_of_a_network_that_knows_classes(fake, real):
    parts = fake(conditional=True, latent=False)
    drawings = [drawing(seed) for seed in range(60)]
    said = [CLASSES[at // 20] for at in range(60)]
    said[20] = said[23] = "ant"
    sheets = draw_figures.make(None, "m", drawings, said, real, SPEC, SETTINGS)
    assert list(sheets) == ["samples", "ladder"]
    sheet = sheets["samples"]
    assert (sheet.rows, len(sheet.columns)) == (CLASSES, 9)
    for k, row in enumerate(sheet.cells):
        assert row[0] is real.strokes[k], "a real drawing first"
        assert all(one is drawings[20 * k + n] for n, one in enumerate(row[1:])), "the first ones, unpicked"
    assert sheet.doubted == {(1, 1), (1, 4)}
    assert list(sheets["ladder"].columns) == ["real", "0.1", "1"]
    assert parts.asked == [([0, 1, 2], 0.1, 0, 9, None), ([0, 1, 2], 1.0, 0, 9, None)]


def test_sheets_of_a_network_with_a_latent_vector_and_no_class(fake, real):
    parts = fake(conditional=False, latent=True)
    sheets = draw_figures.make(None, "m", [drawing(seed) for seed in range(24)], None, real, SPEC, SETTINGS)
    assert list(sheets) == ["samples", "ladder", "reconstructions", "interpolation"]
    assert len(sheets["samples"].cells) == 3
    assert "knows no class" in sheets["samples"].title
    assert parts.asked == [(3, 0.1, 0, 9, 3), (3, 1.0, 0, 9, 3)]
    row = sheets["reconstructions"].cells[1]
    assert [len(sheets["reconstructions"].columns), len(row)] == [8, 8]
    assert row[2] is real.strokes[4]
    np.testing.assert_array_equal(row[3], -real.strokes[4])
    row = sheets["interpolation"].cells[2]
    assert (row[0] is real.strokes[2], row[-1] is real.strokes[5], len(row)) == (True, True, 10)
    lone = draw.Drawings(real.labels[:4], real.strokes[:4])
    sheets = draw_figures.make(None, "m", [drawing(0)] * 24, None, lone, SPEC, SETTINGS)
    assert list(sheets["interpolation"].rows) == ["ant"], "it takes two drawings"
    assert sheets["reconstructions"].cells[1][2:] == [None] * 6


@pytest.fixture
def judged(train, tmp_path, real):
    """`free` knows no class, `poor` and `good` (two seeds) do."""
    train("draw", "free")
    train("draw", "poor")
    train("draw", "good")
    train("draw", "good", seed=2, further=True)
    entries = {"free": ModelEntry(), "poor": ModelEntry(), "good": ModelEntry(seeds=(1, 2))}
    found = roster("draw", entries, tmp_path / "models")
    wanted = [name for name in CLASSES for _ in range(SETTINGS.samples)]
    sheet = draw.Sheet("s", ["ant"], ["1"], [[drawing(1)]])

    def made(wrong, recon):
        said = None if wrong is None else ["bed"] * wrong + wanted[wrong:]
        like = draw.Likelihood(np.full(15, recon), np.full(15, 0.5), np.full(15, 0.1))
        return draw.Made(like, like, said, {"samples": sheet})

    return found, {
        ("free", 1): made(None, 0.1),
        ("poor", 1): made(30, 1.0),
        ("good", 1): made(3, 2.0),
        ("good", 2): made(6, 3.0),
    }


def written(folder, real, judged):
    found, made = judged
    said = [CLASSES[label] for label in real.labels]
    said[0] = "bed"
    return draw_report.write(folder, found, real, said, made, SPEC, "gru", SETTINGS)


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_report_ranks_by_what_the_referee_recognises(tmp_path, real, judged):
    line = written(tmp_path / "draw", real, judged)
    assert line.startswith("best good 92.5 % (")
    assert line.endswith("recognised by gru, real drawings 93.3 %, 3 models")
    facts = json.loads((tmp_path / "draw/summary.json").read_text())
    good, poor, free = facts["models"]
    assert [row["model"] for row in facts["models"]] == ["good", "poor", "free"]
    assert good["recognised"] == pytest.approx(0.925)
    assert good["recognised_low"] < good["recognised"] < good["recognised_high"]
    assert [free[key] for key in ("recognised", "recognised_low", "recognised_high")] == [None] * 3
    assert (poor["to_best"]["differs"], free["to_best"]) == (True, None)
    assert free["nll"] == pytest.approx(0.6)
    assert facts["real_recognised"] == pytest.approx(14 / 15, rel=1e-5)
    assert facts["real_low"] <= facts["real_recognised"] <= facts["real_high"]
    metrics = json.loads((tmp_path / "draw/metrics.json").read_text())
    assert "recognised" not in metrics["free"]
    assert metrics["good"]["reconstruction"] == metrics["good"]["valid_reconstruction"] == 2.5
    assert metrics["good"]["recognised_spread"] > 0
    each = json.loads((tmp_path / "draw/trainings.json").read_text())["id-draw-good-2"]["metrics"]
    assert each["test/recognised"] == pytest.approx(0.9)


def test_the_files_of_each_training_and_the_same_bytes_again(tmp_path, real, judged):
    for name in ("draw", "again"):
        written(tmp_path / name, real, judged)
    assert digest_tree(tmp_path / "draw") == digest_tree(tmp_path / "again")
    home = tmp_path / "draw/models"
    assert {p.name for p in (home / "good/seed-2").iterdir()} == {
        "samples.png",
        "samples.svg",
        "per_class.csv",
        "judged.csv",
    }
    assert {p.name for p in (home / "free/seed-1").iterdir()} == {"samples.png", "samples.svg"}
    table = rows(home / "poor/seed-1/per_class.csv")
    assert [(row["name"], float(row["recognised"])) for row in table] == [
        ("ant", 0),
        ("bed", 1),
        ("the Eiffel tower", 1),
    ]
    assert [row["real_recognised"] for row in table] == ["0.8", "1", "1"]
    assert len(rows(home / "poor/seed-1/judged.csv")) == 60
    assert [row["model"] for row in rows(tmp_path / "draw/plots/models.csv")] == [
        "good",
        "poor",
        "real drawings",
    ]


def test_the_board_and_the_page(tmp_path, real, judged):
    written(tmp_path / "draw", real, judged)
    (board,) = leaderboard.read(tmp_path, ("draw",))
    assert all(len(row) == len(board.header) for row in board.rows)
    good, poor, free = board.rows
    assert good[0] == "good"
    assert good[1].startswith("92.5 ± ")
    assert (poor[1].partition(" ")[0], poor[2], free[1:3]) == ("66.7", "93.3", ["-", "-"])
    assert free[3:6] == ["0.600", "0.100", "0.500"]
    assert "Knows no class, so none can be asked for: free." in board.notes
    assert any(note.startswith("poor differs from good: -25.8 points") for note in board.notes)
    assert not any(note.startswith("free ") for note in board.notes)
    assert "gru" in board.about
    leaderboard.write_csv(tmp_path / "leaderboard.csv", [board])
    assert [row["recognised"] for row in rows(tmp_path / "leaderboard.csv")] == ["0.925", "0.666667", ""]
    shown = [picture.alt for picture in page.pictures(tmp_path / "draw", "draw")]
    assert len(shown) == 5
    assert [alt.rpartition(", ")[2] for alt in shown[2:]] == ["free", "good", "poor"]
    page.write(tmp_path / "index.html", tmp_path, [board], [])


def test_no_model_knows_a_class(tmp_path, real, judged):
    found, made = judged
    lone = type(found)([found.trainings[0]], [], [])
    line = draw_report.write(
        tmp_path / "draw", lone, real, ["ant"] * 15, {("free", 1): made["free", 1]}, SPEC, "gru", SETTINGS
    )
    assert line == "best free 0.600 nats a step; no model can be asked for a class, 1 model"
    assert leaderboard.read(tmp_path, ("draw",))[0].rows[0][1] == "-"


@pytest.fixture
def classifier(tmp_path):
    """The folder of a fitted `logistic`, whose data has a scale and bounds of its own."""
    folder = tmp_path / "models/classify/logistic"
    folder.mkdir(parents=True)
    spec = {"task": "classify", "classes": CLASSES, "bounds": [8, 16], "scale": 3.0, "time": False}
    model = registry.get("classify", "logistic").build(registry.config("classify", "logistic", {}), spec)
    random = np.random.default_rng(0)
    given = random.normal(size=(30, 16, 3)).astype(np.float32)
    given[:, :, 2] = np.arange(16) == 15
    model.fit([(given, np.full(30, 16), np.arange(30) % 3)])
    model.save(folder)
    (folder / "spec.json").write_text(json.dumps(spec))
    (folder / "config.json").write_text(
        json.dumps({"task": "classify", "name": "logistic", "seed": 1, "config": {}, "training": None})
    )
    (folder / "run.json").write_text(json.dumps({"status": "finished"}))
    return folder


def test_a_drawing_reaches_the_referee_as_it_would_directly(classifier, tmp_path):
    from strokecast.evaluation.draw import predictions as draw_predictions

    judge = draw_predictions.referee("logistic", CLASSES, tmp_path / "models")
    random = np.random.default_rng(4)
    raw = [np.c_[random.integers(-40, 40, (n, 2)), np.arange(n) == n - 1] for n in (1, 5, 9, 40)]
    scaled = [strokes.prepare(points, SPEC["scale"], len(points))[0] for points in raw]
    directly = judge.predictor.predict(pd.DataFrame({"strokes": raw}))
    seen = []
    honest = judge.predictor.predict
    judge.predictor.predict = lambda frame: seen.append(honest(frame)) or seen[-1]
    assert judge.says(scaled, SPEC["scale"]) == directly["label"].tolist()
    for here, there in zip(seen[0]["probabilities"], directly["probabilities"], strict=True):
        np.testing.assert_allclose(here, there, atol=1e-5)
    judge.says(scaled, 1.0)
    moved = zip(seen[1]["probabilities"], directly["probabilities"], strict=True)
    assert any(not np.allclose(here, there, atol=1e-3) for here, there in moved), "the scale matters"


def test_a_referee_that_will_not_do_is_told_in_one_line(classifier, tmp_path):
    from strokecast.evaluation.draw import predictions as draw_predictions

    def told(name="logistic", classes=CLASSES):
        with pytest.raises(UserError) as caught:
            draw_predictions.referee(name, classes, tmp_path / "models")
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "gru was not trained" in told("gru")
    assert "train-classify@gru" in told("gru")
    line = told(classes=[*CLASSES, "owl"])
    assert "was not taught 'owl'" in line
    assert "draw.referee" in line
    config = json.loads((classifier / "config.json").read_text()) | {"config": {"time": True}}
    (classifier / "config.json").write_text(json.dumps(config))
    assert "reads time" in told()
    (classifier / "run.json").write_text(json.dumps({"status": "off"}))
    assert "'off'" in told()
    shutil.rmtree(classifier)
    assert "was not trained" in told()
