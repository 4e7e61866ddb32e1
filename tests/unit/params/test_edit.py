"""Edits of a YAML text: values change, comments and all other lines stay."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from strokecast.params.edit import edit_yaml

TEXT = """\
# head

sketches:
  source: doodles       # my source
  # my note

series:   # the series
  source: births
training:
  classify: {epochs: 3, batch_size: 8}  # short
  draw:
    epochs: 2
models:
  classify:
    gru: {enabled: true}   # mine
    lstm: {enabled: true}
# tail
"""


def edited(change: Any) -> str:
    values = YAML(typ="safe", pure=True).load(TEXT)
    change(values)
    return edit_yaml(TEXT, values)


def lines(text: str) -> set[str]:
    return set(text.splitlines())


def test_equal_values_change_nothing() -> None:
    assert edited(lambda values: None) == TEXT


def test_a_value_changes_and_its_comment_stays() -> None:
    text = edited(lambda values: values["sketches"].update(source="quickdraw"))
    assert "  source: quickdraw       # my source" in text
    assert lines(TEXT) - lines(text) == {"  source: doodles       # my source"}


def test_a_new_key_stands_before_the_comments_of_what_follows() -> None:
    text = edited(lambda values: values["sketches"].update(cap={"train": 5}))
    assert text.index("cap: {train: 5}") < text.index("# my note")
    assert lines(TEXT) <= lines(text)


def test_keys_in_flow_style() -> None:
    text = edited(lambda values: values["training"]["classify"].update(epochs=9, optimizer="sgd"))
    assert "  classify: {epochs: 9, batch_size: 8, optimizer: sgd}  # short" in text
    text = edited(lambda values: values["models"]["classify"]["gru"].update(config={"units": 5}))
    assert "    gru: {enabled: true, config: {units: 5}}   # mine" in text


def test_deletion_of_a_key_and_of_the_last_key() -> None:
    text = edited(lambda values: values["models"]["classify"].pop("lstm"))
    assert lines(TEXT) - lines(text) == {"    lstm: {enabled: true}"}
    text = edited(lambda values: values.pop("series"))
    assert "births" not in text
    assert "# my note" in text


def test_long_values_are_broken_into_lines() -> None:
    many = {f"key_{i}": "x" * 20 for i in range(9)}
    text = edited(lambda values: values["series"].update(csv=many))
    assert max(map(len, text.splitlines())) < 111


def test_anchors_are_refused() -> None:
    with pytest.raises(ValueError, match="in place"):
        edit_yaml("a: &x {b: 1}\nc: *x\n", {"a": {"b": 2}, "c": {"b": 1}})


leaf = st.one_of(
    st.integers(-5, 5),
    st.booleans(),
    st.none(),
    st.text("ab# :,'", max_size=4),
    st.lists(st.integers(0, 3), max_size=3),
)
key = st.text("abc", min_size=1, max_size=2)
tree = st.dictionaries(
    key, st.recursive(leaf, lambda inner: st.dictionaries(key, inner, max_size=3), max_leaves=8), max_size=4
)


@settings(deadline=None, max_examples=40)
@given(tree, tree)
def test_any_tree_becomes_any_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    import io

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    text = io.StringIO()
    yaml.dump(before or {"x": 1}, text)
    assert yaml.load(edit_yaml(text.getvalue(), after or {"y": 2})) == (after or {"y": 2})


def test_line_ends_of_windows_are_kept() -> None:
    text = "a: 1\r\nb: {c: 2}  # note\r\n"
    edited = edit_yaml(text, {"a": 1, "b": {"c": 3}, "d": 4})
    assert edited == "a: 1\r\nb: {c: 3}  # note\r\nd: 4\r\n"
