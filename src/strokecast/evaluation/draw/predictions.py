"""What the models of draw give: likelihoods of the test drawings, and drawings of their own, judged by the referee.

The one place that opens draw's test split. Shapes: B drawings of a batch, T their bound, M mixtures, K classes,
S drawings asked for a class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from strokecast.common.errors import UserError
from strokecast.common.files import read_json
from strokecast.common.paths import MODELS
from strokecast.common.stage import progress
from strokecast.evaluation.common.predictions import finite
from strokecast.evaluation.common.trainings import Roster, Training, check_data
from strokecast.evaluation.draw import figures as draw_figures
from strokecast.evaluation.draw.metrics import Drawing, Drawings, Likelihood, Made
from strokecast.features.records import reading
from strokecast.inference import networks, predictor, sampling
from strokecast.inference.drawing import unscaled
from strokecast.params import DrawEvaluation

BATCH = 128
Key = tuple[str, int]
_WHERE = "params.yaml: draw.referee"


@dataclass(frozen=True)
class Referee:
    """A trained classify model that says what a drawing shows, whoever made it.

    It looks at drawings through the door that serving uses, so their scale, cropping and padding are those
    of its own training.
    """

    name: str
    predictor: predictor.Predictor

    def says(self, drawings: Sequence[Drawing], scale: float) -> list[str]:
        """What each drawing shows, by the likeliest class.

        Args:
            drawings: [n, 3] each, in units of `scale`.
            scale: what dx and dy of these drawings were divided by.
        """
        raw = [unscaled(drawing, scale) for drawing in drawings]
        return [str(label) for label in self.predictor.predict(pd.DataFrame({"strokes": raw}))["label"]]


def referee(name: str, classes: Sequence[str], models: Path = MODELS) -> Referee:
    """The referee that `draw.referee` names: of several seeds, the first.

    Args:
        name: `draw.referee` of params.yaml.
        classes: of draw; the referee must know them all.
        models: folder that holds `classify/<name>/`.

    Raises:
        UserError: if it was not trained, its training failed, it reads time, or it does not know a class.
    """
    folder = models / "classify" / name
    try:
        run = read_json(folder / "run.json")
    except FileNotFoundError:
        fix = f"run `dvc repro train-classify@{name}`"
        raise UserError(f"{name} was not trained", where=str(folder), fix=fix) from None
    if run["status"] != "finished":
        raise UserError(
            f"the training of {name} is {run['status']!r}",
            where=_WHERE,
            allowed="a model of classify whose training finished",
        )
    if read_json(folder / "config.json")["config"].get("time"):
        raise UserError(
            f"{name} reads time, which generated drawings have not", where=_WHERE, fix="name another model"
        )
    known = read_json(folder / "spec.json")["classes"]
    strange = [label for label in classes if label not in known]
    if strange:
        raise UserError(
            f"{name} was not taught {', '.join(repr(label) for label in strange[:5])}"
            + (f" and {len(strange) - 5} more" if len(strange) > 5 else ""),
            where=_WHERE,
            allowed=f"a model of classify that knows all {len(classes)} classes of draw",
            fix="run `dvc repro` to train both on the same classes",
        )
    return Referee(name, predictor.load(folder))


def collect(
    found: Roster, processed: Path, spec: Mapping[str, Any], settings: DrawEvaluation, judge: Referee
) -> tuple[Drawings, list[str], dict[Key, Made]]:
    """The test drawings, what the referee says of them, and by (name, seed) what each training gave.

    Raises:
        UserError: if a training saw other data, cannot be read, or gives what is no number.
    """
    check_data(found.trainings, spec["digest"])
    test = _drawings(processed, spec)
    said = judge.says(test.strokes, spec["scale"])
    made = {
        (training.name, training.seed): _one(training, processed, spec, settings, test, judge)
        for training in progress(found.trainings, "drawing", len(found.trainings), "training")
    }
    return test, said, made


def _one(
    training: Training,
    processed: Path,
    spec: Mapping[str, Any],
    settings: DrawEvaluation,
    test: Drawings,
    judge: Referee,
) -> Made:
    network = networks.load_network(training.folder)
    valid, tested = (likelihood(network, training, processed, spec, split) for split in ("valid", "test"))
    k = len(spec["classes"])
    knows = sampling.conditional(network)
    asked: Any = np.repeat(np.arange(k), settings.samples) if knows else k * draw_figures.COLUMNS
    drawings = sampling.sample(network, asked, settings.temperature, settings.seed, spec["max_points"])
    said = judge.says(drawings, spec["scale"]) if knows else None
    sheets = draw_figures.make(network, training.name, drawings, said, test, spec, settings)
    return Made(valid, tested, said, sheets)


def likelihood(
    network: Any, training: Training, processed: Path, spec: Mapping[str, Any], split: str
) -> Likelihood:
    """Of all drawings of a split, in the order of its files.

    Raises:
        UserError: if the network gives what is no number.
    """
    from strokecast.models.layers.mixture import reconstruction

    run, size = networks.forward(network), sampling.latent_size(network) or 0
    recon, kl, steps = [], [], []
    for inputs, target, _ in reading.batches(
        processed, spec, split, BATCH, list(networks.signature(network))
    ):
        output = run(inputs)
        recon.append(reconstruction(target, output["mixture"]).numpy())  # [B]
        steps.append(inputs["length"].numpy() + 1)  # the points and the end
        kl.append(output["kl"].numpy() if "kl" in output else np.zeros_like(recon[-1]))
    per_latent = finite(np.concatenate(kl).astype(np.float64), training)
    return Likelihood(
        finite(np.concatenate(recon).astype(np.float64), training),
        per_latent * size / np.concatenate(steps),
        per_latent,
    )


def _drawings(processed: Path, spec: Mapping[str, Any]) -> Drawings:
    labels, strokes = [], []
    for inputs, _, _ in reading.batches(processed, spec, "test", 1024):
        labels.append(inputs["label"].numpy())
        padded = inputs["strokes"].numpy()
        strokes += [row[:end] for row, end in zip(padded, inputs["length"].numpy(), strict=True)]
    if not strokes:
        raise UserError("the test split holds no drawing", where=str(processed))
    return Drawings(np.concatenate(labels).astype(np.int64), strokes)
