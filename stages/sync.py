"""Stage `sync`: the MLflow board completed for every training of this workspace. Runs always."""

from strokecast.common.stage import stage


def main() -> None:
    """Add what is missing on the board; under a second when nothing is."""
    with stage("sync", "completing the MLflow board") as outcome:
        from strokecast.commands.sync import sync

        outcome(sync())


if __name__ == "__main__":
    main()
