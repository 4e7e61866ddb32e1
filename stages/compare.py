"""Stage `compare`: all tasks' reports → `leaderboard.csv`, `leaderboard.md` and `index.html`."""

from strokecast import params
from strokecast.common import paths
from strokecast.common.stage import stage


def main() -> None:
    """Write the three files of `reports/` that span all tasks."""
    with stage("compare", "ranking the models of each task") as outcome:
        from strokecast.evaluation import leaderboard, page

        boards = leaderboard.read(paths.REPORTS, params.TASKS)
        credits = leaderboard.attributions(paths.RAW, params.DATASETS)
        leaderboard.write_csv(paths.REPORTS / "leaderboard.csv", boards)
        leaderboard.write_markdown(paths.REPORTS / "leaderboard.md", boards, credits)
        page.write(paths.REPORTS / "index.html", paths.REPORTS, boards, credits)
        outcome("; ".join(f"{board.facts['task']}: {board.facts['outcome']}" for board in boards))


if __name__ == "__main__":
    main()
