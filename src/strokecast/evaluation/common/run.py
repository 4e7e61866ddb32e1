"""Evaluates one task: every trained model of `params.yaml` on the same test split.

Only the package of the task is imported (`strokecast.evaluation.<task>.run`), so the evaluation of one task does not
depend on the code of another.
"""

from __future__ import annotations

import importlib

from strokecast.common import paths
from strokecast.common.files import new_folder, write_json
from strokecast.evaluation.common.summary import METRICS_DIR
from strokecast.evaluation.common.trained_models import TrainedModels, find_trained_models
from strokecast.features.records import spec as specs
from strokecast.params import Params


def evaluate(task: str, params: Params) -> tuple[str, TrainedModels]:
    """Write `reports/<task>/`, completely or not at all; for a task without an enabled model, only that it was skipped.

    Returns:
        A summary in one line, and the trained models that were evaluated.

    Raises:
        UserError: names the trained model, the data or the setting at fault; nothing is written then.
    """
    if not params.is_enabled(task):
        return _skip(task)
    processed = paths.PROCESSED / task
    trained_models = find_trained_models(task, params.entries(task), paths.MODELS)
    message = trained_models.excluded_message()
    if message:
        print(message, flush=True)
    spec = specs.load(processed, task)
    module = importlib.import_module(f"strokecast.evaluation.{task}.run")
    with new_folder(paths.REPORTS / task) as report_dir:
        outcome: str = module.evaluate(report_dir, trained_models, processed, spec, params)
    return outcome, trained_models


def _skip(task: str) -> tuple[str, TrainedModels]:
    line = f"skipped: no model of {task} is enabled"
    with new_folder(paths.REPORTS / task) as report_dir:
        write_json(report_dir / "summary.json", {"task": task, "models": [], "outcome": line})
        write_json(report_dir / "metrics.json", {})
        write_json(report_dir / METRICS_DIR / "none.json", {})  # DVC calls a missing folder an error
    return line, TrainedModels((), (), ())
