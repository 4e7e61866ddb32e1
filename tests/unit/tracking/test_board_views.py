"""How the UI shows the board: tags of the experiments, and the addresses that `strokecast ui` prints."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from strokecast.commands import ui
from strokecast.params.base import TASKS
from strokecast.tracking import board_views, store

Make = Callable[..., Path]


@pytest.fixture
def tags(empty_project: Path) -> Callable[[str], dict[str, str]]:
    def read(task: str) -> dict[str, str]:
        found = store.client().get_experiment_by_name(store.experiment_name(task))
        assert found is not None
        return dict(found.tags)

    return read


def test_every_experiment_opens_as_model_training_sorted_by_its_first_metric(
    tags: Callable[[str], dict[str, str]],
) -> None:
    store.initialise()
    for task in TASKS:
        found, view = tags(task), board_views.VIEWS[task]
        assert found[board_views.KIND] == "custom_model_development"
        assert found[board_views.DESCRIPTION] == view.description
        state = json.loads(found[board_views.SHARED_VIEW])
        assert state["orderByKey"] == f"metrics.`{view.columns[0]}`"
        assert state["orderByAsc"] == (task == "forecast"), "a low error is good, a high share is good"


def test_a_board_without_views_gets_them_and_the_words_of_the_user_stay(
    tags: Callable[[str], dict[str, str]],
) -> None:
    store.initialise()
    client = store.client()
    experiment = client.get_experiment_by_name(store.experiment_name("draw"))
    assert experiment is not None
    client.set_experiment_tag(experiment.experiment_id, board_views.DESCRIPTION, "my own words")
    client.set_experiment_tag(experiment.experiment_id, board_views.SHARED_VIEW, "{}")
    client.delete_experiment_tag(experiment.experiment_id, board_views.KIND)
    store.initialise()
    assert tags("draw") == board_views.VIEWS["draw"].tags() | {board_views.DESCRIPTION: "my own words"}


def test_links_name_the_finished_runs_of_each_task(empty_project: Path, make_without_board: Make) -> None:
    from strokecast.tracking import board

    assert ui.links("http://127.0.0.1:5000") == [], "no board yet"
    runs = [board.ensure_run(make_without_board(training_id=f"id-{seed}", seed=seed)) for seed in (1, 2)]
    ((experiment, finished),) = [entry for entry in store.finished_runs().values() if entry[1]]
    assert sorted(finished) == sorted(filter(None, runs))
    first, second = ui.links("http://127.0.0.1:5000")
    assert f"/#/experiments/{experiment}/runs?" in first
    query = parse_qs(second.partition("?")[2])
    assert sorted(json.loads(query["runs"][0])) == sorted(filter(None, runs))
    assert json.loads(query["experiments"][0]) == [experiment]
