"""Preprocessing on Apache Beam's own runner on this machine: byte for byte what `local` writes.

Apache Beam holds protobuf back, so it lives in an environment of its own: `make test-beam`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from strokecast.common.files import digest_tree, read_json
from strokecast.features.runners import chunks
from strokecast.features.sketches import classify, padded
from strokecast.params import ClassifyFeatures, Preprocess

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
def test_the_same_bytes_as_local(
    validated_sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.setattr(chunks, "UNIT", 1)  # a unit each row group
    monkeypatch.setattr(padded, "_OVERHEAD", 600_000)  # as if a record weighed 0.6 MB: a file each
    local = classify.preprocess(validated_sketches, tmp_path / "local", SETTINGS, Preprocess(workers=1))
    assert max(len(names) for names in local["files"].values()) > 2, "several files a split"
    before = digest_tree(validated_sketches)

    settings = Preprocess(runner="beam", beam_options=options)
    beam = classify.preprocess(validated_sketches, tmp_path / "beam", SETTINGS, settings)

    assert beam == local == read_json(tmp_path / "beam" / "spec.json")
    assert digest_tree(tmp_path / "beam") == digest_tree(tmp_path / "local")
    assert digest_tree(validated_sketches) == before
    assert not list(tmp_path.rglob(".*")), "no temporary file stays"


def test_it_looks_for_nothing_in_the_web(
    validated_sketches: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="apache_beam"):
        classify.preprocess(validated_sketches, tmp_path / "beam", SETTINGS, Preprocess(runner="beam"))
    assert caplog.records, "Beam tells what it does"
    assert "Prism" not in caplog.text
