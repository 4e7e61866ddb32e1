"""User errors are one line, and can be pickled."""

from __future__ import annotations

import pickle

from strokecast.common.errors import UserError


def test_user_errors_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(UserError("a", location="b", allowed="c", fix="d")))  # noqa: S301
    assert str(error) == "b: a; allowed: c; d"


def test_choices_are_listed() -> None:
    error = pickle.loads(pickle.dumps(UserError("'x' is not valid", allowed=["a", "b"])))  # noqa: S301
    assert str(error) == "'x' is not valid; choose one of a, b"
    assert str(UserError("'x' is not valid", allowed=["a"])) == "'x' is not valid; allowed: a"
    assert str(UserError("'x' is not valid", allowed=[])) == "'x' is not valid"


def test_control_and_direction_characters_are_shown_as_escapes() -> None:
    line = str(UserError("a\x1b[31m", location="b\udcff", allowed="c\u202e", fix="d\u00e9"))
    assert line == r"b\udcff: a\x1b[31m; allowed: c\u202e; d" + "\u00e9"
