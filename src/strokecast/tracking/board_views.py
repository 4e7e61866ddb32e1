"""How MLflow's UI shows the board: kind, description and columns of each experiment, and the addresses that open them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

KIND = "mlflow.experimentKind"
DESCRIPTION = "mlflow.note.content"
_VIEW = "strokecast"
SHARED_VIEW = f"mlflow.sharedViewState.{_VIEW}"
_MODEL_TRAINING = (
    "custom_model_development"  # MLflow's name of the view with metric columns; without it, traces are shown
)


@dataclass(frozen=True)
class ExperimentView:
    """What the UI shows first of a task's experiment.

    Attributes:
        description: text above the runs, as Markdown.
        columns: metrics; the runs are sorted by the first one.
        ascending: whether the lowest value comes first.
    """

    description: str
    columns: Sequence[str]
    ascending: bool = False

    def tags(self) -> dict[str, str]:
        """The experiment's tags."""
        columns = [f"metrics.`{name}`" for name in self.columns]
        state = {
            "orderByKey": columns[0],
            "orderByAsc": self.ascending,
            "selectedColumns": columns,
            "searchFilter": "",
            "startTime": "ALL",
            "lifecycleFilter": "Active",
            "runsExpanded": {},
            "runsPinned": [],
            "runsHidden": [],
            "groupBy": None,
        }
        return {KIND: _MODEL_TRAINING, DESCRIPTION: self.description, SHARED_VIEW: json.dumps(state)}


_COSTS = ("parameters", "train_seconds")
_CLASSES = ("test/accuracy", "validation/accuracy", "test/log_loss", "test/macro_f1", "test/ece", *_COSTS)
VIEWS: Mapping[str, ExperimentView] = {
    "classify": ExperimentView(
        "Strokes to class. One run per training; `validation/accuracy` chooses the champion, `test/...` is of the test split.",
        _CLASSES,
    ),
    "watch": ExperimentView(
        "Video of a drawing being drawn to class. One run per training; `validation/accuracy` chooses the champion, "
        "`test/...` is of the test split.",
        _CLASSES,
    ),
    "draw": ExperimentView(
        "Class or latent vector to strokes. `test/recognised`: share of the generated drawings that the judge assigns to "
        "their class; `test/nll`: nats per step of a test drawing. `valid_nll` chooses the champion.",
        ("test/recognised", "test/valid_nll", "test/nll", "test/kl", *_COSTS),
    ),
    "forecast": ExperimentView(
        "The next days of a daily series, in its own unit. `validation/mae` is over a model's validation origins, which are "
        "fewer for slow ones, and chooses the champion; `test/...` is over test origins.",
        ("test/mae", "validation/mae", "test/mase", "test/crps", "test/coverage_80", *_COSTS),
        ascending=True,
    ),
}


def address_of_runs(server: str, experiment_id: str) -> str:
    """The page of an experiment's runs, with the columns and the order of its view."""
    return (
        f"{server}/#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={_VIEW}"
    )


def address_of_comparison(server: str, experiment_id: str, run_ids: Sequence[str]) -> str:
    """The page that compares runs of an experiment."""
    runs, experiments = (
        quote(json.dumps(list(ids), separators=(",", ":"))) for ids in (run_ids, [experiment_id])
    )
    return f"{server}/#/compare-runs?runs={runs}&experiments={experiments}"
