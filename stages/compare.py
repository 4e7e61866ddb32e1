"""Stage `compare`: all tasks' reports → `leaderboard.csv`, `leaderboard.md` and `index.html`."""

from strokecast import params
from strokecast.common import paths
from strokecast.common.stage import stage


def main() -> None:
    """Write the three files of `reports/` that cover all tasks."""
    with stage("compare", "ranking the models of each task") as outcome:
        from strokecast.evaluation.board import leaderboard, page

        tables = leaderboard.read_tables(paths.REPORTS, params.TASKS)
        attributions = leaderboard.read_attributions(paths.RAW, params.DATASETS)
        leaderboard.write_csv(paths.REPORTS / "leaderboard.csv", tables)
        leaderboard.write_markdown(paths.REPORTS / "leaderboard.md", tables, attributions)
        page.write_page(
            paths.REPORTS / "index.html",
            paths.REPORTS,
            tables,
            attributions,
            paths.MODELS,
            paths.VALIDATED,
            params.DATASETS,
            paths.SEARCHES,
        )
        outcome("; ".join(f"{table.summary['task']}: {table.summary['outcome']}" for table in tables))


if __name__ == "__main__":
    main()
