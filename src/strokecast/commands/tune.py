"""`strokecast tune`: searches for the hyperparameters of one model, and writes the best ones to `params.yaml`."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strokecast import params
from strokecast.commands import params_patch, ray_cluster
from strokecast.common import files, output_paths, paths
from strokecast.common.errors import UserError
from strokecast.params.overlay import deep_merge
from strokecast.params.yaml_file import read_text, read_yaml
from strokecast.tuning import space, storage
from strokecast.tuning.objective import Objective, metric

_STUDY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class TuneOptions:
    """The options of the command.

    Attributes:
        task: of the model.
        model: its name.
        trials: that the study is to have in all; None: 50, or all combinations of a grid.
        sampler: grid, random or tpe.
        pruner: none, median or halving.
        storage: address of the database; "": a SQLite file of the study.
        name: of the study; "": `<task>-<model>`.
        seed: of the sampler.
        timeout: seconds after which no trial begins; None: no limit.
        space: YAML file that changes the search space.
        only: keys to search; (): all.
        epochs: of each trial; None: those of the recipe.
        folds: rolling origins of a forecaster.
        apply: write the best values to params.yaml.
        ray_address: of the Ray cluster that trains; None: this process does.
        jobs: trials at a time on the cluster; None: as many as it has resources for.
    """

    task: str
    model: str
    trials: int | None = None
    sampler: str = "tpe"
    pruner: str = "median"
    storage: str = ""
    name: str = ""
    seed: int = 1
    timeout: float | None = None
    space: Path | None = None
    only: tuple[str, ...] = ()
    epochs: int | None = None
    folds: int = 3
    apply: bool = False
    ray_address: str | None = None
    jobs: int | None = None


def tune(options: TuneOptions, report: Callable[[str], None] = print) -> str:
    """Run the search, or go on with it; returns its outcome and the change of params.yaml as a unified diff.

    Args:
        options: of the command.
        report: called with one line per trial.

    Raises:
        UserError: for options that are not valid, or if every trial failed.
        Interrupted: on SIGINT and SIGTERM; the same command goes on.
    """
    study = options.name or f"{options.task}-{options.model}"
    if not _STUDY.fullmatch(study):
        raise UserError(
            f"{study!r} is not the name of a study",
            location="--name",
            allowed="1 to 100 letters, digits, points, underscores and hyphens",
        )
    dimensions = space.load(options.task, options.model, options.space, options.only)
    storage.import_optuna()
    from strokecast.tuning import record
    from strokecast.tuning.search import Search, SearchOptions

    url = options.storage or storage.default_url(study)
    trials = options.trials or (0 if options.sampler == "grid" else 50)
    search_options = SearchOptions(
        study, trials, url, options.sampler, options.pruner, options.seed, options.timeout
    )
    started = time.monotonic()
    trainer, jobs = _objective(options, report)
    with (
        trainer as objective,
        storage.single_process(url),
        storage.one_line(url),
    ):
        objective.check(dimensions)
        search = Search(search_options, objective, dimensions, report)
        try:
            search.run(jobs)
        finally:
            best = search.best()
            if best is not None:
                record.write(search, options.task, options.model, metric(options.task), dimensions)
        if best is None:
            raise UserError("no trial is complete", location=f"study {study}", fix="see the reasons above")
        lines = [search.describe(time.monotonic() - started, record.default_trial(search))]
        diff, text = patch(options.task, options.model, search.values(best), search.first)
    if not diff:
        return "\n".join([*lines, "params.yaml already has these values"])
    if options.apply:
        output_paths.check_writable(paths.PARAMS)
        files.write_text(paths.PARAMS, text)
        lines.append("written to params.yaml:")
    else:
        lines.append("the same command with --apply writes this to params.yaml:")
    return "\n".join([*lines, diff.rstrip("\n")])


def _objective(options: TuneOptions, report: Callable[[str], None]) -> tuple[Objective, int]:
    """What trains the trials, and how many at a time."""
    address = options.ray_address
    if address is None and options.jobs is not None:
        raise UserError(
            "a search on this machine runs one trial at a time",
            location="--jobs",
            fix="add --executor ray, or give several processes one --storage postgresql://...",
        )
    settings = params.load()
    values = (settings, options.task, options.model, options.epochs, options.folds)
    if address is None:
        return Objective(*values), 1
    from strokecast.commands.ray_search import RayObjective

    objective = RayObjective(*values, address)
    fitting = ray_cluster.trials_at_a_time(objective.cluster, settings.runtime.ray)
    jobs = options.jobs or fitting
    report(f"{objective.cluster}, up to {jobs} trials at a time")
    return objective, jobs


def patch(
    task: str, model: str, best: Mapping[str, Any], current: Mapping[str, Any], path: Path = paths.PARAMS
) -> tuple[str, str]:
    """The edit of params.yaml that gives a model the best values; comments and other lines are kept.

    Args:
        task: of the model.
        model: its name.
        best: `config.<key>` or `training.<key>` → value.
        current: the values in effect; equal ones are not written.
        path: of params.yaml.

    Returns:
        The unified diff, "" if there is none, and the text of the file with it.

    Raises:
        UserError: if the file cannot be edited, or would not be valid.
    """
    before = read_text(path)
    changes = space.nested({key: value for key, value in best.items() if value != current.get(key)})
    if not changes:
        return "", before
    values = deep_merge(read_yaml(path), {"models": {task: {model: changes}}})
    return params_patch.make(path, before, values, f"{path} of the best trial")
