"""Evaluate one task: every training of `params.yaml` on the same test split."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from strokecast.common import paths
from strokecast.common.files import new_folder
from strokecast.evaluation.common.trainings import Roster, roster
from strokecast.features.records import spec as specs
from strokecast.params import Params


def run(task: str, settings: Params) -> tuple[str, Roster]:
    """Write `reports/<task>/` whole.

    Returns:
        One line that tells the outcome, and the trainings that were judged.

    Raises:
        UserError: names the training, the data or the setting at fault; nothing is written then.
    """
    processed = paths.PROCESSED / task
    found = roster(task, settings.entries(task), paths.MODELS)
    line = found.passed_over()
    if line:
        print(line, flush=True)
    spec = specs.load(processed, task)
    with new_folder(paths.REPORTS / task) as folder:
        return _TASKS[task](folder, found, processed, spec, settings), found


def _classify(folder: Path, found: Roster, processed: Path, spec: Mapping, settings: Params) -> str:
    from strokecast.evaluation.classify import predictions as classify_predictions
    from strokecast.evaluation.classify import report as classify_report

    test, made, attended = classify_predictions.collect(found, processed, spec)
    return classify_report.write(
        folder, found, test, made, spec["classes"], spec["source"], settings.evaluation.classify, attended
    )


def _watch(folder: Path, found: Roster, processed: Path, spec: Mapping, settings: Params) -> str:
    from strokecast.evaluation.classify import report as classify_report
    from strokecast.evaluation.watch import predictions as watch_predictions

    chosen = settings.evaluation.watch
    test, made, further = watch_predictions.collect(found, processed, spec, chosen.seed)
    return classify_report.write(
        folder, found, test, made, spec["classes"], spec["source"], chosen, task="watch", further=further
    )


def _draw(folder: Path, found: Roster, processed: Path, spec: Mapping, settings: Params) -> str:
    from strokecast.evaluation.draw import predictions as draw_predictions
    from strokecast.evaluation.draw import report as draw_report

    chosen, referee = settings.evaluation.draw, settings.draw.referee
    judge = draw_predictions.referee(referee, spec["classes"])
    test, said, made = draw_predictions.collect(found, processed, spec, chosen, judge)
    return draw_report.write(folder, found, test, said, made, spec, referee, chosen)


def _forecast(folder: Path, found: Roster, processed: Path, spec: Mapping, settings: Params) -> str:
    from strokecast.evaluation.forecast import predictions as forecast_predictions
    from strokecast.evaluation.forecast import report as forecast_report
    from strokecast.evaluation.forecast.refit import Again

    chosen = settings.evaluation.forecast
    with tempfile.TemporaryDirectory() as home:
        again = None
        if chosen.refit_every is not None:
            again = Again(settings, paths.VALIDATED / "series", Path(home), chosen.refit_every)
        test, made = forecast_predictions.collect(found, processed, spec, chosen.step, chosen.origins, again)
    return forecast_report.write(folder, found, test, made, chosen)


_TASKS: dict[str, Callable[[Path, Roster, Path, Mapping, Params], str]] = {
    "classify": _classify,
    "watch": _watch,
    "draw": _draw,
    "forecast": _forecast,
}
