"""Lists of classes: checks, selection, suggestions."""

from __future__ import annotations

from pathlib import Path

import pytest

from strokecast.common.errors import UserError
from strokecast.sources import class_names

NAME_RULE = "allowed: 1 to 200 bytes of text without line breaks, control or direction characters; rename it"
FILE_RULE = "allowed: a name that does not start with a dot, and has no slash and no backslash"


def test_all_and_valid_lists_pass_the_check() -> None:
    class_names.check("all", "key")
    class_names.check(["cat", "The Eiffel Tower"], "key")


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([], "key.classes: the list is empty; allowed: all, or a list of classes"),
        (["cat", "cat"], "key.classes: 'cat' is listed twice"),
        ([""], f"key.classes: '' is not a class name (it is empty); {NAME_RULE}"),
        ([".cat"], f"key.classes: '.cat' is not a class name; {FILE_RULE}"),
        (["a/b"], f"key.classes: 'a/b' is not a class name; {FILE_RULE}"),
        (["a\\b"], rf"key.classes: 'a\\b' is not a class name; {FILE_RULE}"),
        (
            ["a\0"],
            rf"key.classes: 'a\x00' is not a class name (it contains the character U+0000); {NAME_RULE}",
        ),
        (
            ["Cat", "cat"],
            "key.classes: the class names 'Cat' and 'cat' differ only in case or Unicode form; "
            "allowed: names that are different files on every file system; rename one of them",
        ),
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


def test_the_files_of_a_folder_are_checked_too() -> None:
    with pytest.raises(UserError, match=r"^x: 'a.+tb' is not a class name"):
        class_names.select("all", ["a", "a\\tb"], Path("x"), ".npz", "key")
    with pytest.raises(UserError, match=r"the class names '\\xe9' and 'e\\u0301' differ only in"):
        class_names.select("all", ["\u00e9", "e\u0301"], Path("x"), ".npz", "key")


def test_long_lists_are_shortened_in_messages() -> None:
    available = [f"class {number:02}" for number in range(25)]
    with pytest.raises(UserError, match=r"class 19 and 5 more; did you mean 'class"):
        class_names.select(["class 7"], available, Path("x"), ".npz", "key")


def test_suggestions_ignore_case_and_are_empty_for_unlike_names() -> None:
    assert class_names.suggest("the eifel tower", ["cat", "The Eiffel Tower"]) == (
        "did you mean 'The Eiffel Tower'?"
    )
    assert class_names.suggest("xyz", ["cat"]) == ""
