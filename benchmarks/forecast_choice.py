"""How often the forecaster that validation chose is the best one on the test split, from the stored files of finished runs.

    python benchmarks/forecast_choice.py . ../births ../cta    # projects with reports/forecast and models/forecast

    python benchmarks/forecast_choice.py PROJECT... --output src/strokecast/evaluation/forecast/validation_choice.yaml

No model runs. The second command also writes what the notes of the leaderboard say of other series. The first table has one line per project: the champion, what it reached, and the best in hindsight. The second
one compares rules of combination over the projects of one series; each is computed from validation forecasts alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.common.files import read_json
from strokecast.evaluation.board.notes import choice_note
from strokecast.evaluation.forecast import validation_choice
from strokecast.evaluation.forecast.validation_choice import Choice, Choices, count_right
from strokecast.inference import combination, validation_forecasts
from strokecast.inference.combination_folder import weighted_mean
from strokecast.params import Combination

RULES = {
    f"{weights}, {f'best {top}' if top else 'all'}": Combination(weights=weights, top=top)
    for weights in ("equal", "inverse_error", "nnls")
    for top in (1, 2, 3, 5, None)
    if top != 1 or weights == "equal"
}


def read_summary(project: Path) -> dict[str, Any]:
    """`reports/forecast/summary.json` of a project.

    Raises:
        SystemExit: if it has none with a champion.
    """
    path = project / paths.REPORTS / "forecast/summary.json"
    summary: dict[str, Any] = read_json(path) if path.is_file() else {}
    if not summary.get("champion"):
        raise SystemExit(f"{path}: no champion; run `dvc repro` in the project")
    return summary


def choice(run: str, summary: Mapping[str, Any]) -> Choice:
    """What validation chose in one project, and how it stands on test.

    Args:
        run: name of the project.
        summary: `reports/forecast/summary.json`.
    """
    champion, models = summary["champion"], summary["models"]
    tests = np.array([model["mae"] for model in models])
    chosen = next(model for model in models if model["model"] == champion["model"])
    return Choice(
        run=run,
        series=summary["series"],
        first=summary["first"],
        horizon=summary["horizon"],
        rows=len(models),
        champion=champion["model"],
        rank=champion["rank"],
        mae=champion["test"],
        best=champion["best"],
        best_mae=champion["best_test"],
        differs=bool(chosen["to_best"] and chosen["to_best"]["differs"]),
        typical=round(float(np.median(tests) / tests.min() - 1), 4),
    )


def rank_correlation(summary: Mapping[str, Any]) -> float:
    """Spearman correlation of validation and test MAE over the rows of a project."""
    scores = [
        np.array([model[key] for model in summary["models"]], dtype=float) for key in ("valid_mae", "mae")
    ]
    return float(pd.Series(scores[0]).corr(pd.Series(scores[1]), method="spearman"))


def rule_errors(project: Path) -> dict[str, float]:
    """Rule → test MAE of its combination of all models of a project, over the test MAE of the best single model."""
    predictions = pd.read_parquet(project / paths.REPORTS / "forecast/predictions.parquet")
    stored, points, actual = {}, {}, np.array([])
    for name in predictions["model"].unique():
        folders = paths.model_dirs("forecast", name, project / paths.MODELS)
        if not folders:
            continue  # a combination
        stored[name] = combination.mean_over_seeds([validation_forecasts.load(one)[""] for one in folders])
        rows = predictions[predictions["model"] == name].sort_values(["seed", "origin", "day"])
        by_seed = [one for _, one in rows.groupby("seed")]
        points[name] = [one["forecast"].to_numpy() for one in by_seed]
        actual = by_seed[0]["actual"].to_numpy()
    best = min(float(np.mean([np.abs(seed - actual).mean() for seed in seeds])) for seeds in points.values())
    errors = {}
    for rule, settings in RULES.items():
        combined = combination.combine(stored, settings)
        if combined is not None:
            error = np.abs(weighted_mean(combined.weights, points) - actual).mean()
            errors[rule] = float(error) / best
    return errors


def print_choices(choices: Sequence[Choice], correlations: Sequence[float]) -> None:
    """Print the first table, and how often the choice was right."""
    print("| series | rows | champion | rank | MAE | best in hindsight | its MAE | loss % | Spearman |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for one, correlation in zip(choices, correlations, strict=True):
        print(
            f"| {one.series} | {one.rows} | {one.champion} | {one.rank} | {one.mae:,.4g} | {one.best} | "
            f"{one.best_mae:,.4g} | {100 * one.loss:.1f} | {correlation:.2f} |"
        )
    print(f"\nOf {len(choices)}: {choice_note(count_right(choices))}")


def print_rules(errors: Mapping[str, Mapping[str, float]]) -> None:
    """Print the second table: test MAE over that of the best single model in hindsight, per project and on average."""
    print(f"\n| rule | {' | '.join(errors)} | mean |\n| --- {'| --- ' * len(errors)}| --- |")
    for rule in RULES:
        values = [one.get(rule, float("nan")) for one in errors.values()]
        print(f"| {rule} | {' | '.join(f'{value:.3f}' for value in values)} | {np.mean(values):.3f} |")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("projects", nargs="+", type=Path, help="folders with reports/forecast")
    parser.add_argument(
        "--output", type=Path, help=f"file to write, e.g. {validation_choice.FILE.name} of the report"
    )
    arguments = parser.parse_args()
    summaries = {project: read_summary(project) for project in arguments.projects}
    choices = tuple(choice(project.resolve().name, summary) for project, summary in summaries.items())
    print_choices(choices, [rank_correlation(summary) for summary in summaries.values()])
    if arguments.output:
        today = datetime.now(tz=UTC).date().isoformat()
        validation_choice.write(arguments.output, Choices(date=today, choices=choices))
    errors = {}
    for project, summary in summaries.items():
        try:
            if "series_ids" not in summary:
                errors[project.resolve().name] = rule_errors(project)
        except UserError as error:
            print(f"\n{project}: no rules are compared: {error}")
    if errors:
        print_rules(errors)


if __name__ == "__main__":
    main()
