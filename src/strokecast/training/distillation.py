"""The loss of a network that a trained network teaches (Hinton et al., 2015, https://arxiv.org/abs/1503.02531).

Shapes: B batch, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.inference import networks
from strokecast.models.common import model_folder
from strokecast.models.common.distil import DistilConfig
from strokecast.params import DISTIL
from strokecast.training.guards import TrainingError
from strokecast.training.objectives import Objective


def teacher_dir(task: str, teacher: str) -> Path:
    """The folder of the teacher's training with its lowest seed.

    Raises:
        TrainingError: if that training failed.
        UserError: if it is missing or not a network.
    """
    folder, run = _find(task, teacher)
    location = f"params.yaml: {DISTIL}.{task}.teacher"
    if run["status"] != "finished":
        raise TrainingError(f"the training of {teacher} has the status {run['status']!r}", location=location)
    if run["kind"] != "network":
        raise UserError(f"{teacher!r} is not a network", location=location)
    return folder


def _find(task: str, teacher: str) -> tuple[Path, dict[str, Any]]:
    """Folder and run.json of the teacher's training with its lowest seed."""
    folders = paths.model_dirs(task, teacher)
    if not folders:
        location = f"params.yaml: {DISTIL}.{task}.teacher"
        raise UserError(f"{teacher} is not trained", location=location, fix="run `dvc repro`")
    return folders[0], model_folder.read(folders[0], "run.json", ("status", "training_id"))


def data_digest(task: str, config: Mapping[str, Any], digest: str) -> str:
    """What a training depends on besides code and settings: a student of another teacher's training is not resumed.

    Args:
        task: one of `strokecast.params.TASKS`.
        config: `architecture_config` of the model's entry.
        digest: of the processed data.

    Returns:
        `digest`, followed by the `training_id` of the teacher if there is one.

    Raises:
        UserError: if the teacher is not trained.
    """
    if "teacher" not in config:
        return digest
    _, run = _find(task, config["teacher"])
    return digest + str(run["training_id"])


def add_teacher(objective: Objective, task: str, config: DistilConfig, model: Any) -> Objective:
    """The objective of a classifier with the teacher's probabilities in its training loss.

    The loss is (1 - w) L + w T^2 KL(p || q) with the weight w, the temperature T, the loss of the labels L, and the softmax
    of the logits over T of teacher (p) and student (q). T^2 keeps the size of the gradients at any T. The gradients are those
    of the paper's cross entropy, and the loss is 0 for equal probabilities. The teacher reads the same augmented batch.

    Args:
        objective: of the labels.
        task: `classify` or `watch`.
        config: `teacher`, `temperature` and `weight` are read.
        model: the student.

    Raises:
        UserError: if the teacher cannot be read, or reads an input that the student does not.
    """
    import tensorflow as tf

    teacher = networks.load_network(teacher_dir(task, config.teacher))
    teacher.trainable = False
    names = list(networks.input_signature(teacher))
    missing = sorted(set(names) - set(networks.input_signature(model)))
    if missing:
        raise UserError(
            f"{config.teacher} reads {', '.join(missing)}, which {config.student} does not",
            location=f"params.yaml: {DISTIL}.{task}.teacher",
            fix="choose a student that reads at least what its teacher reads",
        )
    temperature, weight = config.temperature, config.weight

    def log_probabilities(logits: Any) -> Any:
        return tf.nn.log_softmax(tf.cast(logits, tf.float32) / temperature)  # [B, K]

    def train_target(inputs: Any, label: Any) -> tuple[Any, Any]:
        logits = teacher({name: inputs[name] for name in names}, training=False)
        return label, tf.stop_gradient(log_probabilities(logits))

    def train_loss(target: tuple[Any, Any], logits: Any) -> Any:
        label, taught = target
        difference = taught - log_probabilities(logits)
        divergence = tf.reduce_sum(tf.exp(taught) * difference, axis=-1)  # [B]
        return (1.0 - weight) * objective.train_loss(label, logits) + weight * temperature**2 * divergence

    return replace(objective, train_target=train_target, train_loss=train_loss)
