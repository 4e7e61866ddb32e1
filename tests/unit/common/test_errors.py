"""User errors are one line, and can be pickled."""

from __future__ import annotations

import pickle

from strokecast.common.errors import UserError


def test_user_errors_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(UserError("a", where="b", allowed="c", fix="d")))  # noqa: S301
    assert str(error) == "b: a; allowed: c; d"
