"""Preprocessing on Apache Beam's own runner on this machine: byte for byte what `local` writes.

Apache Beam pins an old protobuf, so it has an environment of its own: `make test-beam`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from strokecast.common.files import digest_tree, read_json
from strokecast.features.runners import chunks
from strokecast.features.sketches import classify, padded, watch
from strokecast.params import ClassifyFeatures, Preprocess, WatchFeatures

pytestmark = pytest.mark.beam
pytest.importorskip("apache_beam", reason="needs the extra `beam`: run `make test-beam`")

SETTINGS = ClassifyFeatures(bucket_boundaries=(8, 16), shard_megabytes=1)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="default"),
        pytest.param(
            ("--direct_num_workers=2", "--direct_running_mode=multi_threading"),
            id="two-threads",
        ),
        pytest.param(
            ("--runner=FnApiRunner", "--direct_num_workers=2", "--direct_running_mode=multi_processing"),
            id="two-processes",
        ),
    ],
)
def test_bytes_equal_those_of_local(
    validated_sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.setattr(chunks, "MIN_CHUNK_DRAWINGS", 1)  # one chunk per row group
    monkeypatch.setattr(padded, "_OVERHEAD", 600_000)  # count 0.6 MB per record: one file each
    local = classify.preprocess(validated_sketches, tmp_path / "local", SETTINGS, Preprocess(workers=1))
    assert max(len(names) for names in local["files"].values()) > 2, "several files per split"
    before = digest_tree(validated_sketches)

    settings = Preprocess(runner="beam", beam_options=options)
    beam = classify.preprocess(validated_sketches, tmp_path / "beam", SETTINGS, settings)

    assert beam == local == read_json(tmp_path / "beam" / "spec.json")
    assert digest_tree(tmp_path / "beam") == digest_tree(tmp_path / "local")
    assert digest_tree(validated_sketches) == before
    assert not list(tmp_path.rglob(".*")), "no temporary file remains"


def test_videos_equal_those_of_local(validated_sketches: Path, tmp_path: Path) -> None:
    settings = WatchFeatures(frames=3, height=8, width=10, steps_per_frame=2)
    local = watch.preprocess(validated_sketches, tmp_path / "local", settings, Preprocess(workers=1))
    beam = watch.preprocess(validated_sketches, tmp_path / "beam", settings, Preprocess(runner="beam"))
    assert beam == local
    assert digest_tree(tmp_path / "beam") == digest_tree(tmp_path / "local")


def test_default_runner_downloads_nothing(
    validated_sketches: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="apache_beam"):
        classify.preprocess(validated_sketches, tmp_path / "beam", SETTINGS, Preprocess(runner="beam"))
    assert caplog.records, "Beam logs its steps"
    assert "Prism" not in caplog.text
