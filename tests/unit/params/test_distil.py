"""The section `distil`: each fault is one line, and a student is a row of its task."""

from typing import Any

import pytest

from strokecast import params
from strokecast.common.errors import UserError
from strokecast.models.common import resolve
from strokecast.params.stages import stage_values

STUDENT = {"teacher": "lstm", "student": "gru", "config": {"units": 8}}


def parse(students: Any, **models: Any) -> params.Params:
    classify = {"lstm": {}, "wavenet": {"enabled": False}, "logistic": {}, **models}
    return resolve.resolve(params.parse({"models": {"classify": classify}, "distil": students}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"teacher": "wavenet"}, r"distil\.classify\.teacher: 'wavenet' is switched off"),
        ({"teacher": "lstn"}, r"'lstn' is not a model of classify.*did you mean 'lstm'"),
        ({"student": "gruu"}, r"distil\.classify\.student: unknown architecture 'gruu'"),
        ({"student": "logistic", "config": {}}, r"distil\.classify\.student: 'logistic' is not a network"),
        ({"config": {"units": 0}}, r"distil\.classify\.config\.units: 0 is not valid"),
        ({"config": {"time": True}}, r"distil\.classify\.config\.time"),
        ({"training": {"epochs": 0}}, r"distil\.classify\.training\.epochs: 0 is not valid"),
        ({"temperature": 0.5}, r"distil\.classify\.temperature: 0\.5 is not valid"),
    ],
)
def test_a_student_that_is_not_valid_is_one_line(changes: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse({"classify": {**STUDENT, **changes}})


def test_tasks_without_students_and_the_name_of_the_row_are_refused() -> None:
    with pytest.raises(UserError, match=r"distil\.forecast"):
        parse({"forecast": STUDENT})
    with pytest.raises(UserError, match=r"models\.classify\.distil: 'distil' is the name of the row"):
        parse({"classify": STUDENT}, distil={})


def test_a_student_is_a_row_with_the_defaults_of_its_architecture() -> None:
    settings = parse({"classify": STUDENT})
    assert list(settings.entries("classify"))[-1] == "distil"
    entry = settings.entries("classify")["distil"]
    assert entry.architecture_config["student_config"]["units"] == 8
    assert entry.architecture_config["student_config"]["layers"] == 2
    assert settings.recipe("classify", "distil").epochs == 10, "as for gru"
    stages = stage_values(settings)
    assert set(stages["train-classify/distil"]) == {"distil", "runtime", "training"}
    assert "distil" in stages["evaluate-classify"]
    assert "distil" not in stage_values(parse({}))["evaluate-classify"], "so it reruns nothing"
