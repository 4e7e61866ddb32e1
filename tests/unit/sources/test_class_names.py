"""Lists of classes: checks, selection, suggestions."""

from __future__ import annotations

from pathlib import Path

import pytest

from strokecast.common.errors import UserError
from strokecast.sources import class_names


def test_all_and_valid_lists_pass_the_check() -> None:
    class_names.check("all", "key")
    class_names.check(["cat", "The Eiffel Tower"], "key")


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([], "key.classes: the list is empty; allowed: all, or a list of classes"),
        (["cat", "cat"], "key.classes: 'cat' is listed twice"),
        ([""], "key.classes: '' is not a class name"),
        ([".cat"], "key.classes: '.cat' is not a class name"),
        (["a/b"], "key.classes: 'a/b' is not a class name"),
        (["a\\b"], r"key.classes: 'a\\b' is not a class name"),
        (["a\0"], r"key.classes: 'a\x00' is not a class name"),
    ],
)
def test_bad_lists_give_one_line(classes: list[str], message: str) -> None:
    with pytest.raises(UserError) as error:
        class_names.check(classes, "key")
    assert str(error.value) == message


def test_select_keeps_the_order_of_the_list() -> None:
    available = ["ant", "bee", "cat"]
    assert class_names.select("all", available, Path("x"), ".npz", "key") == available
    assert class_names.select(["cat", "ant"], available, Path("x"), ".npz", "key") == ["cat", "ant"]
    assert class_names.select_known(["cat", "ant"], available, "key") == ["cat", "ant"]


def test_long_lists_are_shortened_in_messages() -> None:
    available = [f"class {number:02}" for number in range(25)]
    with pytest.raises(UserError, match=r"class 19 and 5 more; did you mean 'class"):
        class_names.select(["class 7"], available, Path("x"), ".npz", "key")


def test_suggestions_ignore_case_and_are_empty_for_unlike_names() -> None:
    assert class_names.suggest("the eifel tower", ["cat", "The Eiffel Tower"]) == (
        "did you mean 'The Eiffel Tower'?"
    )
    assert class_names.suggest("xyz", ["cat"]) == ""
