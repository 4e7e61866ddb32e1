"""Names of configs identify classes, caps and sources; bad arguments give one line."""

from __future__ import annotations

import os
import shutil

import pytest

import strokecast.datasets as sketches
from strokecast.common.errors import UserError
from strokecast.params.sources import TEN_CLASSES
from strokecast.sources.sketches import quickdraw
from strokecast.tfds.configs import available_configs


def test_names_of_web_configs_distinguish_classes_caps_and_sources(project):
    names = [
        sketches.config().name,
        sketches.config(TEN_CLASSES).name,
        sketches.config(TEN_CLASSES[::-1]).name,
        sketches.config(TEN_CLASSES, cap=5).name,
        sketches.config(TEN_CLASSES, cap={"test": 5}).name,
        sketches.config(TEN_CLASSES, base_url="https://mirror.example/quickdraw").name,
        sketches.config(TEN_CLASSES[::-1], base_url="https://mirror.example/quickdraw").name,
        sketches.config(TEN_CLASSES, base_url="https://mirror.example/other").name,
    ]
    assert len(set(names)) == len(names)
    assert len(sketches.config().classes) == 345
    assert (
        sketches.config(TEN_CLASSES).name
        == sketches.config(TEN_CLASSES, base_url=f"{quickdraw.OFFICIAL}/").name
    )


def test_the_name_of_a_config_does_not_change_between_versions(project):
    """Otherwise prepared data would be downloaded and prepared again."""
    assert sketches.config(TEN_CLASSES, name="ten").name == "ten-e0af63bd29"
    assert sketches.config(["pig", "ant"], cap={"train": 5}).name == "2-classes-766447e8d6"


def test_another_folder_with_the_same_files_gives_the_same_name(project, write_classes, tmp_path):
    first, second = (
        sketches.config(base_url=str(write_classes(tmp_path / name, ["ant"]))) for name in ("a", "b")
    )
    assert first.name == second.name
    shutil.rmtree(tmp_path / "a")
    assert available_configs()[first.name] is second


def test_files_under_the_names_of_the_console_are_the_same_classes(project, write_classes, tmp_path):
    expected = sketches.config(base_url=str(write_classes(tmp_path / "a", ["ant"])))
    folder = write_classes(tmp_path / "b", ["ant"])
    [path] = folder.rglob("ant.npz")
    path.rename(path.with_name("sketchrnn_ant.npz"))
    saved_by_console = sketches.config(base_url=str(folder))
    assert saved_by_console.name == expected.name
    assert list(saved_by_console.local_files()) == ["ant"]


def test_a_named_pipe_is_an_error(project, tmp_path):
    os.mkfifo(tmp_path / "ant.npz")
    with pytest.raises(UserError, match=r"ant\.npz: is a named pipe; allowed: a regular file"):
        sketches.config(base_url=str(tmp_path))


def test_default_and_all_of_a_local_folder_are_its_classes(project, write_classes, tmp_path, monkeypatch):
    folder = write_classes(tmp_path / "mirror", ["pig", "ant"])
    monkeypatch.setenv("STROKECAST_QUICKDRAW_URL", str(folder))
    first, *_ = configs = available_configs()
    assert first.startswith("all-")
    for name in (first, "all", "default"):
        assert configs[name].classes == ("ant", "pig")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": ["unicorn"]}, "sketch_rnn.classes: unknown class 'unicorn'"),
        ({"classes": "cat"}, "sketch_rnn.classes: 'cat' is not a list"),
        ({"classes": []}, "sketch_rnn.classes: the list is empty"),
        ({"classes": ["cat", "cat"]}, "sketch_rnn.classes: 'cat' is listed twice"),
        ({"classes": ["../cat"], "base_url": "http://x"}, "sketch_rnn.classes: '../cat' is not a class name"),
        ({"classes": [" cat"], "base_url": "http://x"}, "sketch_rnn.classes: ' cat' is not a class name"),
        ({"classes": ["a\nb"], "base_url": "http://x"}, "is not a class name"),
        ({"base_url": "ftp://x"}, "sketch_rnn.base_url: 'ftp://x' is not valid"),
        ({"base_url": "/nowhere/at/all"}, "sketch_rnn.base_url: no such folder '/nowhere/at/all'"),
        ({"cap": 0}, "sketch_rnn.cap: 0 is not valid"),
        ({"cap": {"training": 5}}, "sketch_rnn.cap: {'training': 5} is not valid"),
        ({"name": "a/b"}, "sketch_rnn: name: 'a/b' is not valid"),
    ],
)
def test_bad_arguments_give_one_line(project, arguments, message):
    with pytest.raises(UserError) as error:
        sketches.config(**arguments)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_listed_class_without_a_file_names_those_that_have_one(project, write_classes, tmp_path):
    folder = write_classes(tmp_path / "mirror", ["pig", "ant"])
    with pytest.raises(UserError, match=r"no file cat\.npz in .*ant, pig"):
        sketches.config(["cat"], base_url=str(folder))
