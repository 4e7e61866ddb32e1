"""Stage `evaluate@<task>`: every model of a task on the same test split → `reports/<task>/`."""

import sys

from strokecast import params
from strokecast.common import paths
from strokecast.common.stage import stage


def main(task: str) -> None:
    """Write `reports/<task>` for a task, then bring its runs up to date on the board."""
    with stage(f"evaluate@{task}", "judging every model on the test split") as outcome:
        settings = params.load()
        from strokecast.evaluation import run

        line, judged = run.run(task, settings)
        from strokecast.tracking import board

        for training in judged.trainings:
            board.ensure_run(training.folder, paths.REPORTS / task)
        outcome(line)


if __name__ == "__main__":
    main(*sys.argv[1:])
