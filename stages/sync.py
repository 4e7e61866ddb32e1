"""Stage `sync`: completes the MLflow board for every training of this workspace. Always runs."""

from strokecast.common.stage import stage


def main() -> None:
    """Add missing runs to the board; takes less than a second if there are none."""
    with stage("sync", "completing the MLflow board") as outcome:
        from strokecast.commands.sync import sync

        outcome(sync())


if __name__ == "__main__":
    main()
