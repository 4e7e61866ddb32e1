"""Notes below a leaderboard table: seeds, and which differences are statistically significant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strokecast.evaluation.board.cells import Format, format_difference

Summary = Mapping[str, Any]
"""Contents of a task's `summary.json`."""


_RULES = {
    "equal": "equal weights",
    "inverse_error": "weights by inverse squared error",
    "nnls": "weights by non-negative least squares",
    "log_loss": "weights with the lowest log loss",
}
_SCORES = {"valid_accuracy": "accuracy", "valid_mae": "MAE", "valid_nll": "NLL"}


def champion_notes(summary: Summary, headline: str, format_score: Format, format_test: Format) -> list[str]:
    """Which model validation chose, what it reached on test, and what the best in hindsight reached."""
    champion = summary["champion"]
    if champion is None:
        return ["No champion: no model has a validation score."]
    chosen = (
        f"Champion, chosen by validation {_SCORES[champion['metric']]} before any test data was read: "
        f"{champion['model']} ({format_score(champion['value'])})"
    )
    if "leader" in champion:
        chosen += (
            f", a combination that is not significantly worse than the best score, {champion['leader']} "
            f"({format_score(champion['leader_value'])})"
        )
    chosen += "."
    if champion.get("test") is None:
        return [chosen]
    test = f"On test: {headline} {format_test(champion['test'])}, rank {champion['rank']} of {len(summary['models'])}"
    if champion["rank"] == 1:
        return [f"{chosen} {test}."]
    return [
        f"{chosen} {test}; best in hindsight: {champion['best']} with {format_test(champion['best_test'])}."
    ]


def choice_note(facts: Mapping[str, Any]) -> str:
    """One sentence on `evaluation.forecast.validation_choice.count_right`."""
    count = len(facts["runs"])
    ranks = ", ".join(f"{rank} ({run})" for run, rank in zip(facts["runs"], facts["ranks"], strict=True))
    return (
        f"the champion is the best in hindsight in {facts['best']} of {count}, within {100 * facts['near_share']:g} % of it in "
        f"{facts['near']}, and not significantly different from it in {facts['same']}; ranks: {ranks}. Its "
        f"MAE is on average {100 * facts['loss']:.1f} % above that of the best one, that of the median row "
        f"{100 * facts['typical_loss']:.1f} %."
    )


def recorded_choice_notes(summary: Summary) -> list[str]:
    """The note on the recorded series, if `summary.json` has them."""
    facts = summary.get("validation_choice")
    if facts is None:
        return []
    count = len(facts["runs"])
    return [
        f"How often this choice is right, over {count} recorded runs ({facts['date']}): {choice_note(facts)}"
    ]


def refit_notes(summary: Summary) -> list[str]:
    """Which models are fitted again as the origins move on."""
    refits = summary.get("refits", {})
    if not refits:
        return []
    names = {days: [name for name, own in refits.items() if own == days] for days in refits.values()}
    models = "; ".join(f"{', '.join(names[days])} every {days} days" for days in names)
    return [
        f"Fitted again on all days before an origin as the origins move on: {models}. All other rows with weights keep "
        "those of their training."
    ]


def combination_notes(summary: Summary) -> list[str]:
    """Members and weights of each combination, and which were left out."""
    notes = []
    for name, facts in summary.get("combinations", {}).items():
        by_series = list(facts["weights"].values())
        means = {member: 0.0 for weights in by_series for member in weights}
        for weights in by_series:
            for member, weight in weights.items():
                means[member] += weight / len(by_series)
        ordered = sorted(means.items(), key=lambda item: -item[1])
        terms = " + ".join(f"{weight:.2f} {member}" for member, weight in ordered if weight > 0)
        unused = [member for member, weight in means.items() if weight == 0]
        zero = f" (weight 0: {', '.join(unused)})" if unused else ""
        best = f"the best {facts['top']} models" if facts["top"] else "its models"
        per_series = f" (mean over {len(by_series)} series)" if len(by_series) > 1 else ""
        notes.append(
            f"{name} = {terms}{per_series}{zero}: {_RULES[facts['rule']]} of {best} {_chosen_on(facts)}"
        )
    return notes + [f"{name} is left out: {reason}." for name, reason in summary.get("left_out", {}).items()]


def _chosen_on(facts: Mapping[str, Any]) -> str:
    """What members and weights of a combination were chosen on, and what its validation score is of."""
    if "origins" in facts:
        return (
            f"on validation origins, {facts['origins']:,} of them for its validation MAE: held-out blocks, on which neither "
            "members nor weights were chosen."
        )
    score = "Its validation accuracy is of held-out fifths, on which the weights were not fitted."
    return f"on {facts['drawings']:,} validation drawings.{f' {score}' if facts['rule'] != 'equal' else ''}"


def seed_and_difference_notes(summary: Summary) -> list[str]:
    """Failed trainings, spread over seeds, and which models are not significantly worse than the best one."""
    models = summary["models"]
    notes = []
    if summary.get("failed"):
        notes.append(f"Not shown because the training failed: {', '.join(summary['failed'])}.")
    if all(len(model["seeds"]) == 1 for model in models):
        notes.append("One seed per model: the spread over seeds is unknown.")
    else:
        combined = summary.get("combinations", {})
        single = [
            model["model"] for model in models if len(model["seeds"]) == 1 and model["model"] not in combined
        ]
        exceptions = f"; one seed only: {', '.join(single)}." if single else "."
        notes.append(f"Mean ± standard deviation over seeds{exceptions}")
    compared = [
        model for model in models[1:] if model["to_best"] is not None
    ]  # None: the metric is undefined
    if compared:
        best, interval = models[0]["model"], f"paired {100 * summary['level']:g} % interval"
        ties = [model["model"] for model in compared if not model["to_best"]["differs"]]
        if ties:
            notes.append(f"Not significantly different from {best} ({interval}): {', '.join(ties)}.")
        else:
            others = "model" if len(compared) == len(models) - 1 else "model with this metric"
            notes.append(f"{best} is significantly better than every other {others} ({interval}).")
    return notes


def has_baseline(summary: Summary) -> bool:
    """Whether the baseline is among the evaluated models."""
    return any(model["model"] == summary["baseline"] for model in summary["models"])


def baseline_notes(
    summary: Summary, headline: str, format_value: Format, higher_is_better: bool = True
) -> list[str]:
    """Which models are not significantly better than the baseline."""
    baseline = summary["baseline"]
    if baseline is None:
        return []
    if not has_baseline(summary):
        return [f"No comparison with {baseline}: it is not among the evaluated models."]
    key = f"{headline}_minus_{baseline}"
    others = [model for model in summary["models"] if model["model"] != baseline]
    if higher_is_better:
        not_better = [model for model in others if model[f"{key}_low"] <= 0]
    else:
        not_better = [model for model in others if model[f"{key}_high"] >= 0]
    side = "above" if higher_is_better else "below"
    criterion = f"paired {100 * summary['level']:g} % interval {side} 0"
    if not_better:
        differences = ", ".join(
            f"{model['model']} ({format_difference(model, headline, baseline, format_value)})"
            for model in not_better
        )
        return [f"Not better than {baseline} by a {criterion}: {differences}."]
    return [f"Every other model is better than {baseline} by a {criterion}."] if others else []
