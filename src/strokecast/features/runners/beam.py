"""Runs chunks of drawings as Apache Beam pipelines; needs the extra `beam`.

Workers read `data/validated/` and write into `data/processed/`, so they must see the project folder under the same
path: on a shared disk or on one machine. All other options are Beam's own
(https://beam.apache.org/documentation/programming-guide/#configuring-pipeline-options).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError
from strokecast.features.runners.base import Encode
from strokecast.features.runners.chunks import ChunkStats, RowGroupChunk, chunk_stats

_STATS_FILE = "stats.json"
_DEFAULT_RUNNER = "--runner=FnApiRunner"


class BeamRunner:
    """Runs on the Beam runner that the pipeline options name; on this machine by default.

    Without `--runner` it uses Beam's FnApiRunner, which its DirectRunner falls back to. DirectRunner itself first tries
    to download another runner, Prism.

    Args:
        options: as on a command line: ["--runner=FlinkRunner", ...].

    Raises:
        UserError: if Apache Beam is not installed.
    """

    def __init__(self, options: Sequence[str] = ()) -> None:
        try:
            import apache_beam
        except ImportError:
            raise UserError(
                "Apache Beam is not installed",
                location="params.yaml: preprocess.runner",
                allowed="local, or beam with the extra `beam`",
                fix="run `pip install 'strokecast[beam]'`, or set preprocess.runner to local",
            ) from None
        self._beam = apache_beam
        has_runner = any(option == "--runner" or option.startswith("--runner=") for option in options)
        self._options = [*([] if has_runner else [_DEFAULT_RUNNER]), *options]

    def collect_stats(self, chunks: Sequence[RowGroupChunk]) -> list[ChunkStats]:
        """See `Runner.collect_stats`."""
        if not chunks:
            return []
        beam = self._beam
        with tempfile.TemporaryDirectory(
            prefix=".stats.tmp-", dir=Path(chunks[0].path).absolute().parent.parent
        ) as folder:
            with self._pipeline() as pipeline:
                _ = (
                    pipeline
                    | beam.Create([_absolute(chunk) for chunk in chunks])
                    | beam.Reshuffle()
                    | beam.Map(_keyed_stats)
                    | beam.GroupByKey()
                    | beam.Map(_write_stats, folder)
                )
            stats = json.loads((Path(folder) / _STATS_FILE).read_text(encoding="utf-8"))
        return [ChunkStats(labels, lengths, tuple(moments)) for labels, lengths, moments in stats]

    def write(self, encode: Encode, tasks: Sequence[Any], names: Sequence[str], folder: Path) -> None:
        """See `Runner.write`; each file is joined in the memory of one worker."""
        beam = self._beam
        for name in names:
            (folder / name).touch()
        with self._pipeline() as pipeline:
            _ = (
                pipeline
                | beam.Create([task._replace(chunk=_absolute(task.chunk)) for task in tasks])
                | beam.Reshuffle()
                | beam.FlatMap(_keyed_bytes, encode)
                | beam.GroupByKey()
                | beam.Map(_write_file, str(folder.absolute()))
            )

    def _pipeline(self) -> Any:
        from apache_beam.options.pipeline_options import PipelineOptions

        return self._beam.Pipeline(options=PipelineOptions(self._options))


def _absolute(chunk: RowGroupChunk) -> RowGroupChunk:
    return replace(chunk, path=str(Path(chunk.path).absolute()))


def _keyed_stats(chunk: RowGroupChunk) -> tuple[str, tuple[int, ChunkStats]]:
    return _STATS_FILE, (chunk.index, chunk_stats(chunk))


def _write_stats(group: tuple[str, Iterable[tuple[int, ChunkStats]]], folder: str) -> None:
    name, stats = group
    ordered = [list(one) for _, one in sorted(stats, key=lambda pair: pair[0])]
    _write(Path(folder) / name, json.dumps(ordered).encode())


def _keyed_bytes(task: Any, encode: Encode) -> Iterator[tuple[str, tuple[int, bytes]]]:
    for name, data in encode(task).items():
        yield name, (task.chunk.index, data)


def _write_file(group: tuple[str, Iterable[tuple[int, bytes]]], folder: str) -> None:
    name, pieces = group
    _write(Path(folder) / name, b"".join(data for _, data in sorted(pieces, key=lambda pair: pair[0])))


def _write(path: Path, data: bytes) -> None:
    """Write under a unique name, then rename: Beam may run a worker's bundle twice."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(data)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
