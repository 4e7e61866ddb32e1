"""`strokecast promote`: makes a trained model the champion of its task if it passes the gate."""

from __future__ import annotations

import datetime
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from strokecast import params
from strokecast.commands import candidates, model_lookup
from strokecast.commands.candidates import Candidate
from strokecast.common import files, paths
from strokecast.common.errors import UserError
from strokecast.evaluation.promotion import environments, gate, model_card, scores, trial
from strokecast.evaluation.promotion.gate import Check
from strokecast.evaluation.promotion.scores import TestScores
from strokecast.tracking import champion_records, registry
from strokecast.tracking.registry import RegisteredVersion

GATE = "promotion.json"  # in a version: the outcome of every check


def promote(
    task: str,
    model: str = model_lookup.CHAMPION,
    seed: int | None = None,
    reason: str = "",
    report: Callable[[str], None] = print,
    run_model: environments.Run = environments.run,
) -> str:
    """Make a trained model the champion of a task if it passes every check.

    Args:
        task: one of `strokecast.params.TASKS`.
        model: its name, or `champion` for the one that validation chooses.
        seed: of the training; None: the lowest.
        reason: promotes the model although checks failed, except that of its environment; recorded with the version.
        report: receives one line per check.
        run_model: runs a model in an environment of its own.

    Returns:
        The outcome in one line.

    Raises:
        UserError: if a check fails, with all that failed; or if there is no such model. Nothing has changed then.
        BoardError: if the board cannot be read or written.
    """
    reason = registry.check_reason(reason)
    settings = params.load()
    work_root = paths.board_root() / ".strokecast"
    work_root.mkdir(exist_ok=True)
    with registry.exclusive(task, report), tempfile.TemporaryDirectory(dir=work_root) as work_dir:
        candidate = candidates.find(task, model, seed, settings, Path(work_dir))
        champion = registry.champion(task)
        if champion is not None and champion.tag("training_id") == candidate.run["training_id"]:
            return f"{champion.label} is already the champion of {task}; nothing to do"
        report(f"candidate for {task}: {candidate.label}; checking it takes a minute or more")
        checks = run_checks(candidate, champion, settings, run_model, report)
        for check in checks:
            report(check.line)
        failed = [check for check in checks if not check.passed]
        _refuse(candidate, failed, reason)
        if registry.champion(task) != champion:
            raise UserError(
                f"the champion of {task} changed while {candidate.label} was checked",
                fix="run the command again",
            )
        registered = _register(candidate, champion, checks, reason if failed else "")
        champion_records.set_champion(registered)
    before = f"; before: {champion.label}" if champion is not None else ""
    return f"{registered.label} of {registry.name(task)} is the champion of {task}{before}"


def run_checks(
    candidate: Candidate,
    champion: RegisteredVersion | None,
    settings: params.Params,
    run_model: environments.Run,
    report: Callable[[str], None],
) -> list[Check]:
    """All checks of the gate, whatever the outcome of the first ones."""
    task, limits = candidate.scores.task, settings.promotion
    own = getattr(limits, task)
    floor_metric, floor = _floor(task, own)
    label = champion.label if champion is not None else ""
    checks = [
        gate.check_floor(
            floor_metric,
            candidate.metrics.get(f"test/{floor_metric}"),
            floor,
            candidate.scores.higher_is_better,
        )
    ]
    try:
        present, theirs = _comparable(candidate, champion, run_model, report)
    except trial.IncomparableError as error:
        figures = f"{label} cannot be scored on the present test set: {error}"
        checks += [Check(gate.CHAMPION, False, figures), Check(gate.SLICES, False, "not compared")]
    else:
        intervals = scores.bootstrap(task, scores.read_summary(task), settings)
        slice_limit = own.max_slice_rise if task == "forecast" else own.max_slice_drop
        checks += [
            gate.check_difference(present, theirs, label, intervals),
            gate.check_slices(present, theirs, slice_limit, limits.min_slice_examples),
        ]
    return checks + trial.check_answers(
        candidate.pyfunc_dir, candidate.scores, candidate.spec, own.max_latency_ms, run_model
    )


def _floor(task: str, own: Any) -> tuple[str, float]:
    """Metric and limit of the absolute check."""
    limits = {"draw": "min_recognised", "forecast": "max_mase"}
    return scores.FLOOR_METRICS[task], float(getattr(own, limits.get(task, "min_accuracy")))


def _comparable(
    candidate: Candidate,
    champion: RegisteredVersion | None,
    run_model: environments.Run,
    report: Callable[[str], None],
) -> tuple[TestScores, TestScores | None]:
    """Scores of candidate and champion on the same examples; None if there is no champion."""
    if champion is None:
        return candidate.scores, None
    if champion.tag("test_digest") == candidate.scores.digest:
        return candidate.scores, stored_scores(champion, candidate.scores)
    report(f"the test set has changed since {champion.label} was registered; scoring it on the present one")
    spec = files.read_json(champion.model_dir / "spec.json")
    theirs = trial.rescore(champion.folder, candidate.scores, spec, run_model)
    return candidate.scores.select(set(theirs.table["example"])), theirs


def stored_scores(registered: RegisteredVersion, like: TestScores) -> TestScores:
    """The scores that a version was registered with, on the same test set as `like`."""
    import pandas as pd

    return TestScores(like.task, pd.read_parquet(registered.folder / scores.FILE), like.data)


def _refuse(candidate: Candidate, failed: Sequence[Check], reason: str) -> None:
    """Raise a `UserError` if a check failed that the reason does not override."""
    final = [check for check in failed if not reason or check.name == gate.ENVIRONMENT]
    if not final:
        return
    overridable = all(check.name != gate.ENVIRONMENT for check in failed)
    raise UserError(
        f"{candidate.label} is refused by {', '.join(check.name for check in final)}; nothing has changed",
        fix="promote another model, or give a reason with --reason"
        if overridable
        else "a model that does not answer in its own environment is never promoted",
    )


def _register(
    candidate: Candidate, champion: RegisteredVersion | None, checks: Sequence[Check], reason: str
) -> RegisteredVersion:
    """Create the version with everything that belongs to it."""
    task, run = candidate.scores.task, candidate.run
    dataset = "series" if task == "forecast" else "sketches"
    facts = model_card.CardFacts(
        run,
        candidate.spec,
        files.read_json(scores.existing(paths.RAW / dataset / "source.json")),
        candidate.metrics,
        candidate.scores,
        checks,
        reason,
        registry.name(task),
        "sqlite:///mlruns/mlflow.db",
    )
    card = model_card.write_card(facts)
    tags = {
        "task": task,
        "model": run["name"],
        "seed": "" if candidate.is_combination else str(run["seed"]),
        "kind": run["kind"],
        "training_id": run["training_id"],
        "data_digest": run["dataset"]["digest"],
        "test_digest": candidate.scores.digest,
        "metric": candidate.scores.metric,
        "value": f"{candidate.scores.value:.6g}",
        "promoted": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "replaced": str(champion.version) if champion is not None else "",
        "reason": reason,
        "overridden": ", ".join(check.name for check in checks if not check.passed),
    }
    run_id = candidate.ensure_run()
    with tempfile.TemporaryDirectory() as work_dir:
        folder = Path(work_dir)
        (folder / model_card.FILE).write_text(card, encoding="utf-8")
        candidate.scores.table.to_parquet(folder / scores.FILE, index=False)
        gate_json = {"tags": tags, "checks": [asdict(check) for check in checks]}
        (folder / GATE).write_text(json.dumps(gate_json, indent=2, ensure_ascii=False), encoding="utf-8")
        further = {path.name: path for path in folder.iterdir()}
        further[registry.DATA_REPORT] = scores.existing(paths.VALIDATED / dataset / "report.json")
        if candidate.validation_forecasts.is_file():
            further[f"{registry.MODEL_DATA}/{paths.VALIDATION_FORECASTS}"] = candidate.validation_forecasts
        return registry.register(
            task,
            candidate.pyfunc_dir,
            further,
            run_id,
            {key: value for key, value in tags.items() if value},
            card,
        )
