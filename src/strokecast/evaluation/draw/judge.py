"""The judge: a trained classifier that labels drawings, whether people or a network drew them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from strokecast.common.errors import UserError
from strokecast.common.paths import JUDGE
from strokecast.evaluation.draw.metrics import Drawing
from strokecast.inference import predictor
from strokecast.inference.drawing_generator import unscale
from strokecast.models.common import model_folder

_LOCATION = "params.yaml: draw.judge"


@dataclass(frozen=True)
class Judge:
    """A trained classifier of drawings.

    Drawings go through the predictor that serving uses, so scale, cropping and padding are those of the judge's own
    training.

    Attributes:
        name: of the model.
        predictor: of the classifier.
    """

    name: str
    predictor: predictor.Predictor

    def predict(self, drawings: Sequence[Drawing], scale: float) -> list[str]:
        """The most probable class per drawing.

        Args:
            drawings: float32 [n, 3] each, in units of `scale`.
            scale: what dx and dy of these drawings were divided by.
        """
        unscaled = [unscale(drawing, scale) for drawing in drawings]
        labels = self.predictor.predict(pd.DataFrame({"strokes": unscaled}))["label"]
        return [str(label) for label in labels]


def load_judge(name: str, classes: Sequence[str], folder: Path = JUDGE) -> Judge:
    """Load the judge.

    Args:
        name: `draw.judge` of params.yaml.
        classes: of draw; the judge must know all of them.
        folder: folder of the trained classifier, which the stage `judge` copies.

    Raises:
        UserError: if the classifier is missing, its training failed, it needs time stamps, or it was not
            trained on one of the classes.
    """
    if not (folder / "run.json").exists():
        raise UserError(f"{name} was not trained", location=str(folder), fix="run `dvc repro judge`")
    run = model_folder.read(folder, "run.json", ("status",))
    if run["status"] != "finished":
        raise UserError(
            f"the training of {name} has the status {run['status']!r}",
            location=_LOCATION,
            allowed="a model of classify whose training finished",
        )
    if model_folder.read(folder, "config.json", ("config",))["config"].get("time"):
        raise UserError(
            f"{name} reads time stamps, which generated drawings do not have",
            location=_LOCATION,
            fix="name another model",
        )
    judge_classes = model_folder.read(folder, "spec.json", ("classes",))["classes"]
    missing = [label for label in classes if label not in judge_classes]
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise UserError(
            f"{name} was not trained on the class {', '.join(map(repr, missing[:5]))}{more}",
            location=_LOCATION,
            allowed=f"a model of classify that was trained on all {len(classes)} classes of draw",
            fix="run `dvc repro` to train both on the same classes",
        )
    return Judge(name, predictor.load(folder))
