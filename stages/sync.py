"""Stage `sync`: completes the MLflow board for every training of this workspace. Always runs."""

from strokecast.common import dvc_lock
from strokecast.common.stage import stage


def main() -> None:
    """Add missing runs to the board, and check that DVC has saved all outputs; takes less than a second if nothing is missing."""
    with stage("sync", "completing the MLflow board") as outcome:
        from strokecast.commands.sync import sync

        outcome(sync())
        dvc_lock.check_cache()


if __name__ == "__main__":
    main()
