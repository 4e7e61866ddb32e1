"""`strokecast promote`: each way to be refused, what a promotion stores, two at once, and the way back."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from strokecast.commands import promote, rollback, sync
from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.evaluation.promotion.environments import Answer, EnvironmentFailedError
from strokecast.tracking import registry, store
from strokecast.tracking.local_store import LocalStore
from strokecast.tracking.remote_store import RemoteStore

COUNT = 60  # test drawings
CLASSES = ("circle", "square", "a spiral")
Promote = Callable[..., str]


class FakeEnvironments:
    """Stands in for environments of their own: every model answers at once, unless it is told otherwise."""

    def __init__(self) -> None:
        self.seconds, self.error, self.answer = 0.001, "", "circle"
        self.asked: list[Path] = []

    def __call__(self, model_dir: Path, requests: Sequence[pd.DataFrame]) -> list[Answer]:
        self.asked.append(model_dir)
        if self.error:
            raise EnvironmentFailedError(self.error)
        tables = [
            pd.DataFrame({"label": [self.answer] * len(frame), "probability": 0.5}) for frame in requests
        ]
        return [
            Answer(pd.DataFrame({"label": ["circle"]}), 9.0),
            *(Answer(one, self.seconds) for one in tables),
        ]


@pytest.fixture
def environments() -> FakeEnvironments:
    return FakeEnvironments()


@pytest.fixture
def train(make_training: Callable[..., Path]) -> Callable[..., Path]:
    """`train(name, correct)`: an evaluated classifier with `correct` of the 60 test drawings right, the first ones."""
    rows: list[pd.DataFrame] = []
    evaluated: dict[str, Any] = {}
    for dataset in ("sketches", "series"):
        for folder, file, text in (
            (paths.RAW, "source.json", '{"source": "doodles", "files": {}}'),
            (paths.VALIDATED, "report.json", json.dumps({"dataset": dataset, "profile": {}})),
        ):
            (folder / dataset).mkdir(parents=True)
            (folder / dataset / file).write_text(text)
    paths.PARAMS.write_text("promotion:\n  classify: {max_slice_drop: 0.4}\n")
    labels = [CLASSES[n % 3] for n in range(COUNT)]
    drawings = pd.DataFrame({"id": [f"{label}/test/{n}" for n, label in enumerate(labels)], "label": labels})
    points = [[1.0, 0.0, 0.0, 0.0, 1.0, 1.0]] * COUNT
    drawings.assign(points=points).to_parquet(paths.VALIDATED / "sketches/test.parquet", index=False)

    def make(name: str, correct: int, shift: int = 0) -> Path:
        folder = make_training("classify", name, training_id=f"id-{name}")
        (folder / "pyfunc/requirements.txt").write_text("mlflow==3\nnumpy==2\n")
        data = folder / "pyfunc" / registry.MODEL_DATA
        data.mkdir(parents=True)
        (data / "spec.json").write_text((folder / "spec.json").read_text())
        right = [shift <= n < shift + correct for n in range(COUNT)]
        predicted = [label if hit else "none" for label, hit in zip(labels, right, strict=True)]
        rows.append(drawings.assign(model=name, seed=1, length=30, predicted=predicted))
        evaluated[f"id-{name}"] = {"model": name, "seed": 1, "metrics": {"test/accuracy": correct / COUNT}}
        report = paths.REPORTS / "classify"
        report.mkdir(parents=True, exist_ok=True)
        pd.concat(rows).to_parquet(report / "predictions.parquet", index=False)
        (report / "trainings.json").write_text(json.dumps(evaluated))
        summary = {
            "source": "doodles",
            "champion": {"model": name},
            "models": [{"model": name, "seeds": [1]}],
        }
        (report / "summary.json").write_text(json.dumps(summary))
        return folder

    return make


@pytest.fixture
def promoted(environments: FakeEnvironments) -> Promote:
    """`promote` of classify with environments that are not real."""

    def run(model: str = "champion", reason: str = "", report: Callable[[str], None] = print) -> str:
        return promote.promote("classify", model, None, reason, report, environments)

    return run


def refused(promoted: Promote, model: str, reason: str = "") -> tuple[str, list[str]]:
    """The refusal and its failed checks; the champion is as before."""
    before, lines = registry.champion("classify"), list[str]()
    with pytest.raises(UserError) as error:
        promoted(model, reason, lines.append)
    assert registry.champion("classify") == before
    return str(error.value), [line for line in lines if line.startswith("FAIL")]


def test_the_first_champion_needs_no_rival_and_takes_everything_along(
    train: Callable[..., Path], promoted: Promote
) -> None:
    folder = train("gru", 45)
    assert promoted() == "gru-seed1 (version 1) of strokecast-classify is the champion of classify"
    champion = registry.champion("classify")
    assert champion is not None
    assert (champion.tag("training_id"), champion.tag("value"), champion.tag("replaced")) == (
        "id-gru",
        "0.75",
        "",
    )
    names = {path.name for path in champion.folder.iterdir()}
    assert {"MLmodel", "test_scores.parquet", "model_card.md", "promotion.json", "data_report.json"} <= names
    assert json.loads(paths.champion_report("sketches").read_text())["dataset"] == "sketches"
    client = store.client()
    version = client.get_model_version_by_alias("strokecast-classify", "champion")
    assert version.run_id == store.board_state()["id-gru"].run_id
    assert version.description.startswith("# gru, champion of classify")
    for path in folder.rglob("*"):
        if path.is_file():
            path.write_text("")  # the version is a copy of its own
    assert "flavors" in (champion.folder / "MLmodel").read_text()
    with pytest.raises(UserError, match="first champion"):
        rollback.rollback("classify")


def test_each_check_refuses_and_names_its_figures(
    train: Callable[..., Path], promoted: Promote, environments: FakeEnvironments
) -> None:
    train("lstm", 29)
    assert refused(promoted, "lstm") == (
        "lstm-seed1 is refused by floor; nothing has changed; promote another model, or give a reason with --reason",
        ["FAIL  floor: test accuracy 0.483, at least 0.5 is asked"],
    )
    train("gru", 45)
    environments.seconds = 2.0
    assert refused(promoted, "gru")[1] == [
        "FAIL  latency: 2,000 ms per example (median of 10), at most 1000 ms is asked"
    ]
    environments.seconds, environments.error = 0.001, "its requirements cannot be installed: no keras==9"
    line, failed = refused(promoted, "gru", reason="I want it")
    assert "a model that does not answer in its own environment is never promoted" in line
    assert failed[0] == "FAIL  environment: its requirements cannot be installed: no keras==9"
    environments.error = ""
    promoted("gru")
    train("wavenet", 46)
    (failure,) = refused(promoted, "wavenet")[1]
    assert "accuracy 0.767, gru-seed1 (version 1) has 0.75: gain 0.0167 (95 % interval 0 to " in failure
    train("conv_rnn", 42, shift=18)
    paths.PARAMS.write_text("promotion:\n  min_slice_examples: 1\n  classify: {max_slice_drop: 0.04}\n")
    assert any(line.startswith("FAIL  slices: ") for line in refused(promoted, "conv_rnn")[1])
    train("logistic", 50)
    (paths.REPORTS / "classify/trainings.json").write_text("{}")
    assert "was not evaluated since its training" in refused(promoted, "logistic")[0]


def test_a_reason_overrides_and_is_recorded_and_rollback_gives_the_former_one_back(
    train: Callable[..., Path], promoted: Promote
) -> None:
    train("gru", 45)
    promoted()
    train("lstm", 40)
    assert promoted("lstm", reason="smaller\nand quicker").endswith("before: gru-seed1 (version 1)")
    champion = registry.champion("classify")
    assert champion is not None
    assert (champion.version, champion.tag("reason")) == (2, "smaller and quicker")
    assert champion.tag("overridden") == "champion"
    assert "lstm-seed1 |       2 |" in rollback.list_champions()
    assert promoted("lstm") == "lstm-seed1 (version 2) is already the champion of classify; nothing to do"
    assert rollback.rollback("classify", "it draws badly").startswith("gru-seed1 (version 1)")
    former, left = registry.champion("classify"), registry.version("classify", 2)
    assert former is not None
    assert left is not None
    assert (former.version, left.tag("rollback_reason")) == (1, "it draws badly")
    with pytest.raises(UserError, match="at most 500"):
        promoted("lstm", reason="x" * 501)


def test_a_champion_that_the_board_has_lost_is_there_again_after_sync(
    train: Callable[..., Path], promoted: Promote, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train("gru", 45)
    promoted()
    train("lstm", 40)
    promoted("lstm", reason="smaller")
    before = registry.champion("classify")
    assert before is not None
    contents = {path.name: path.read_bytes() for path in before.folder.rglob("*") if path.is_file()}
    monkeypatch.chdir(project.rename(project.with_name("moved")))  # MLflow keeps the former file open
    shutil.rmtree("mlruns")
    shutil.rmtree(paths.VALIDATED)  # no Data Docs
    paths.PARAMS.write_text("models: {classify: {lstm: {enabled: true}}}")
    lines: list[str] = []
    sync.sync(report=lines.append)
    assert lines[0].startswith(
        "lstm-seed1 (version 1) of strokecast-classify, the champion of classify, was "
    )
    after = registry.champion("classify")
    assert after is not None
    kept = {key: value for key, value in before.tags.items() if key != "strokecast.replaced"}
    assert (after.version, dict(after.tags)) == (1, kept)
    found = {path.name: path.read_bytes() for path in after.folder.rglob("*") if path.is_file()}
    assert {name: found[name] for name in contents} == contents
    assert paths.champion_report("sketches").is_file()
    client = store.client()
    version = client.get_model_version_by_alias("strokecast-classify", "champion")
    assert version.run_id == store.board_state()["id-lstm"].run_id
    assert version.description.startswith("# lstm, champion of classify")
    assert RemoteStore(LocalStore().uri).has_model("strokecast-classify")
    client.delete_registered_model_alias("strokecast-classify", "champion")
    sync.sync(report=lines.append)
    assert registry.champion("classify") is None, "an alias that the user removed stays removed"


def test_the_champion_answers_a_test_set_that_has_changed(
    train: Callable[..., Path], promoted: Promote, environments: FakeEnvironments
) -> None:
    train("gru", 45)
    promoted()
    champion = registry.champion("classify")
    assert champion is not None
    (paths.RAW / "sketches/source.json").write_text('{"source": "doodles", "files": {"a": 1}}')
    train("lstm", 40)
    lines: list[str] = []
    assert "lstm-seed1 (version 2)" in promoted("lstm", "", lines.append)
    assert any("the test set has changed since gru-seed1 (version 1)" in line for line in lines)
    assert any("gru-seed1 (version 1) has 0.333" in line for line in lines), "it answers `circle` to all"
    assert environments.asked[1] == champion.folder


def test_the_champion_moves_with_its_project(
    train: Callable[..., Path], promoted: Promote, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train("gru", 45)
    promoted()
    monkeypatch.chdir(project.rename(project.with_name("moved")))
    champion = registry.champion("classify")
    assert champion is not None
    assert champion.folder.is_relative_to(Path.cwd())


def test_two_promotions_at_once_leave_one_champion(train: Callable[..., Path], promoted: Promote) -> None:
    train("gru", 45)
    train("lstm", 46)
    outcomes: dict[str, str] = {}

    def start(name: str) -> None:
        try:
            outcomes[name] = promoted(name)
        except UserError as error:
            outcomes[name] = str(error)

    threads = [threading.Thread(target=start, args=(name,)) for name in ("gru", "lstm")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    champion = registry.champion("classify")
    assert champion is not None
    winners = [name for name, line in outcomes.items() if "is the champion" in line]
    assert winners == [champion.tag("model")]
    (loser,) = set(outcomes) - set(winners)
    assert f"{loser}-seed1 is refused by champion" in outcomes[loser]
    assert registry.version("classify", 2) is None
