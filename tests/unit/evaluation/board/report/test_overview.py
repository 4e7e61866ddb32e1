"""The summary at the top of the page."""

from strokecast.evaluation.board.report.overview import task_overview


def model(name, accuracy, differs=None, **costs):
    interval = {"accuracy_low": accuracy - 0.01, "accuracy_high": accuracy + 0.01}
    to_best = None if differs is None else {"differs": differs}
    return {"model": name, "accuracy": accuracy, "to_best": to_best, **interval, **costs}


def test_ties_costs_and_champion_are_named():
    models = [
        model("best", 0.9, train_seconds=50.0, parameters=12000, examples_per_second=400.0),
        model("tie", 0.89, False, train_seconds=5.0),
        model("worse", 0.5, True, train_seconds=1.0),
    ]
    champion = {"model": "tie", "test": 0.89, "rank": 2}
    overview = task_overview({"task": "classify", "level": 0.95, "models": models, "champion": champion})
    assert overview.score == "test accuracy 90.0 % (95 % interval 89.0 % to 91.0 %)"
    assert overview.significance == "not significantly better than tie (paired 95 % interval)"
    assert overview.cost == "50.0 s training, 12,000 parameters, 2.5 ms per sketch"
    assert overview.cheapest == "tie: 5 s training"
    assert overview.champion == "tie (89.0 % on test, rank 2)"


def test_a_clear_winner_is_named_as_such():
    models = [model("best", 0.9), model("worse", 0.5, True)]
    overview = task_overview({"task": "classify", "level": 0.95, "models": models, "champion": None})
    assert overview.significance == "significantly better than every other model (paired 95 % interval)"
    assert (overview.cost, overview.cheapest) == ("unknown", "")
    assert overview.champion == "none: no model has a validation score"
