"""Stage `evaluate-<task>`: every model of a task on the same test split → `reports/<task>/`."""

import sys

from strokecast import params
from strokecast.common import dvc_lock, paths
from strokecast.common.stage import stage


def main(task: str) -> None:
    """Write `reports/<task>`, then log the metrics to the runs on the board, if it can be written."""
    outputs = [paths.REPORTS / task]
    with stage(f"evaluate-{task}", "evaluating every model on the test split", outputs) as outcome:
        settings = params.read_stage(f"evaluate-{task}")
        dvc_lock.check_cache([paths.PROCESSED / task, paths.MODELS / task])
        from strokecast.evaluation.common.run import evaluate

        line, trained_models = evaluate(task, settings)
        from strokecast.tracking import board

        board.ensure_runs((model.folder for model in trained_models.finished), paths.REPORTS / task)
        outcome(line)


if __name__ == "__main__":
    main(*sys.argv[1:])
