"""The units of `preprocess` on drawings as an Apache Beam pipeline; needs the extra `beam`.

Workers read `data/validated/` and write below `data/processed/`, so they must see the project's
folder under the same path: a shared disk, or one machine. All other options are Beam's own
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
from strokecast.features.runners import chunks
from strokecast.features.runners.local import Encode

_LOOKS = "looks.json"
_HERE = "--runner=FnApiRunner"


class Beam:
    """Runs on what the pipeline options name; on this machine by default.

    Without `--runner` it is Beam's FnApiRunner, which is what its DirectRunner comes down to; but that
    one first tries to fetch another runner, Prism, from the web.

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
                where="params.yaml: preprocess.runner",
                allowed="local, or beam with the extra `beam`",
                fix="run `pip install 'strokecast[beam]'`, or set preprocess.runner to local",
            ) from None
        self._beam = apache_beam
        named = any(option == "--runner" or option.startswith("--runner=") for option in options)
        self._options = [*([] if named else [_HERE]), *options]

    def look(self, units: Sequence[chunks.Unit]) -> list[chunks.Look]:
        """See `runners.Runner.look`."""
        if not units:
            return []
        beam = self._beam
        with tempfile.TemporaryDirectory(
            prefix=".looks.tmp-", dir=Path(units[0].path).absolute().parent.parent
        ) as folder:
            with self._pipeline() as pipeline:
                _ = (
                    pipeline
                    | beam.Create([_absolute(unit) for unit in units])
                    | beam.Reshuffle()
                    | beam.Map(_looked)
                    | beam.GroupByKey()
                    | beam.Map(_write_looks, folder)
                )
            found = json.loads((Path(folder) / _LOOKS).read_text(encoding="utf-8"))
        return [chunks.Look(labels, lengths, tuple(moments)) for labels, lengths, moments in found]

    def write(self, encode: Encode, tasks: Sequence[Any], names: Sequence[str], folder: Path) -> None:
        """See `runners.Runner.write`; each file is put together in one worker's memory."""
        beam = self._beam
        for name in names:
            (folder / name).touch()
        with self._pipeline() as pipeline:
            _ = (
                pipeline
                | beam.Create([task._replace(unit=_absolute(task.unit)) for task in tasks])
                | beam.Reshuffle()
                | beam.FlatMap(_encoded, encode)
                | beam.GroupByKey()
                | beam.Map(_write_file, str(folder.absolute()))
            )

    def _pipeline(self) -> Any:
        from apache_beam.options.pipeline_options import PipelineOptions

        return self._beam.Pipeline(options=PipelineOptions(self._options))


def _absolute(unit: chunks.Unit) -> chunks.Unit:
    return replace(unit, path=str(Path(unit.path).absolute()))


def _looked(unit: chunks.Unit) -> tuple[str, tuple[int, chunks.Look]]:
    return _LOOKS, (unit.index, chunks.look(unit))


def _write_looks(found: tuple[str, Iterable[tuple[int, chunks.Look]]], folder: str) -> None:
    name, looks = found
    ordered = [list(look) for _, look in sorted(looks, key=lambda one: one[0])]
    _write(Path(folder) / name, json.dumps(ordered).encode())


def _encoded(task: Any, encode: Encode) -> Iterator[tuple[str, tuple[int, bytes]]]:
    for name, data in encode(task).items():
        yield name, (task.unit.index, data)


def _write_file(found: tuple[str, Iterable[tuple[int, bytes]]], folder: str) -> None:
    name, parts = found
    _write(Path(folder) / name, b"".join(data for _, data in sorted(parts, key=lambda one: one[0])))


def _write(path: Path, data: bytes) -> None:
    """A worker may be run twice: each writes a name of its own, then renames it."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(data)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
