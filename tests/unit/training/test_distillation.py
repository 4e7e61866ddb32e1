"""The loss with a teacher against its definition, and a whole training of a student."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.inference import networks
from strokecast.models.common.distil import DistilConfig
from strokecast.params import ClassifyRecipe, Runtime
from strokecast.training import distillation, guards, objectives, run
from strokecast.training.job import TrainingJob

SPEC = {"classes": ["ant", "cup", "key"], "class_counts": {"ant": 1, "key": 1, "cup": 1}}
LABELS = np.array([0, 1, 2, 2], np.int64)
TAUGHT, LOGITS = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
CONFIG = DistilConfig(student="gru", teacher="lstm", temperature=2.0, weight=0.25)
GRU = {"units": 4, "layers": 1, "dropout": 0.0, "directions": False}


def softmax(logits: np.ndarray) -> np.ndarray:
    values = np.exp(logits)
    return values / values.sum(axis=1, keepdims=True)


def write_run(root: Path, **changes: Any) -> Path:
    folder = root / "models/classify/lstm/seed-1"
    folder.mkdir(parents=True)
    run_json = {"status": "finished", "kind": "network", "training_id": "t-1", **changes}
    (folder / "run.json").write_text(json.dumps(run_json))
    return folder


@pytest.fixture
def student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A project whose teacher always answers `TAUGHT`; returns a model with the same inputs."""
    import tensorflow as tf

    class Teacher:
        def __call__(self, inputs: Any, training: bool) -> Any:
            assert not training
            assert list(inputs) == ["strokes"]
            return tf.constant(TAUGHT)

    teacher = Teacher()
    names = {"strokes": None}
    write_run(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(networks, "load_network", lambda folder: teacher)
    monkeypatch.setattr(networks, "input_signature", lambda model: names if model is teacher else model.names)
    return SimpleNamespace(names={"strokes": None, "length": None})


def test_the_loss_is_that_of_the_labels_and_of_the_teacher(student: Any) -> None:
    plain = objectives.make("classify", ClassifyRecipe(), SPEC, None)
    taught = distillation.add_teacher(plain, "classify", CONFIG, student)
    assert taught.train_target is not None
    target = taught.train_target({"strokes": 0, "length": 0}, LABELS)
    p, q = softmax(TAUGHT / 2), softmax(LOGITS / 2)
    divergence = (p * (np.log(p) - np.log(q))).sum(axis=1)
    labels = plain.train_loss(LABELS, LOGITS).numpy()
    expected = 0.75 * labels + 0.25 * 4 * divergence
    np.testing.assert_allclose(taught.train_loss(target, LOGITS).numpy(), expected, rtol=1e-4)
    alone = CONFIG.model_copy(update={"weight": 1.0})
    taught = distillation.add_teacher(plain, "classify", alone, student)
    np.testing.assert_allclose(taught.train_loss(target, TAUGHT).numpy(), 0, atol=1e-6)
    np.testing.assert_allclose(taught.valid_loss(LABELS, LOGITS).numpy(), labels)


def test_a_teacher_that_reads_more_than_its_student_is_refused(student: Any) -> None:
    objective = objectives.make("classify", ClassifyRecipe(), SPEC, None)
    student.names = {"length": None}
    with pytest.raises(UserError, match=r"distil\.classify\.teacher: lstm reads strokes, which gru does not"):
        distillation.add_teacher(objective, "classify", CONFIG, student)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"status": "failed"}, guards.TrainingError, "the training of lstm has the status 'failed'"),
        ({"kind": "estimator"}, UserError, "'lstm' is not a network"),
        (None, UserError, "lstm is not trained; run `dvc repro`"),
    ],
)
def test_a_teacher_that_cannot_teach_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: Any, error: type[UserError], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if changes is not None:
        write_run(tmp_path, **changes)
    with pytest.raises(error, match=message):
        distillation.teacher_dir("classify", "lstm")


@pytest.mark.slow
def test_a_student_learns_from_a_trained_teacher_and_has_nothing_of_it(
    processed_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = ClassifyRecipe(epochs=4, batch_size=8, learning_rate=0.02, warmup_epochs=0)
    runtime = Runtime(device="cpu")
    teacher = TrainingJob.create("classify", "lstm", 1, {**GRU, "units": 8}, recipe, runtime=runtime)
    folder = write_run(tmp_path)
    run.train_network(teacher, processed_data / "classify", folder, lambda row: None)
    config = {"student": "gru", "student_config": GRU, "teacher": "lstm", "weight": 1.0}
    job = TrainingJob.create("classify", "distil", 1, config, recipe, runtime=runtime)
    assert job.location == "distil.classify"
    monkeypatch.chdir(tmp_path)
    own, rows = tmp_path / "own", []
    own.mkdir()
    facts = run.train_network(job, processed_data / "classify", own, rows.append)
    gru = TrainingJob.create("classify", "gru", 1, GRU, recipe).architecture.build(
        TrainingJob.create("classify", "gru", 1, GRU, recipe).config,
        json.loads((own / "spec.json").read_text()),
    )
    assert facts["parameters"] == gru.count_params()
    assert rows[-1]["valid_accuracy"] >= 0.8, "without a label in the loss"
    assert rows[-1]["train_loss"] < rows[0]["train_loss"]
    (folder / "model.keras").unlink()
    assert networks.load_network(own).name == "distil"
