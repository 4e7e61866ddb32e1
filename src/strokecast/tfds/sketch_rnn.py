"""The TensorFlow Datasets builder `sketch_rnn`: Quick, Draw! drawings as pen strokes.

Features:
    ink: float32 `[n_points, 3]` = (dx, dy, pen_lift), in the units of the file. The official files
        hold int16; float32 holds those exactly, is what networks read, holds the fractions of
        other Sketch-RNN files too, and takes less room: TFRecords store a negative whole number in
        10 bytes and a float in 4.
    label: `ClassLabel`, the classes in the config's order.

Splits: `train`, `validation`, `test`: 70,000 / 2,500 / 2,500 drawings a class in the official files.

Where things lie:
    Prepared data: `data_dir` where it is given, else `$TFDS_DATA_DIR`, else `.strokecast/tfds/` in
        a strokecast project, else `~/tensorflow_datasets/`; below that `sketch_rnn/<config>/<version>/`.
        About 0.7 KB a drawing, `GROWTH` times the size of the npz files.
    Fetched files: `download_dir` where it is given, else `.strokecast/downloads/` in a project (what
        the stage `download@sketches` fetches too), else `<data_dir>/downloads/strokecast/`. A local
        folder is read in place.
    All of it may be removed at any time.

Source: Ha and Eck, "A Neural Representation of Sketch Drawings", https://arxiv.org/abs/1704.03477
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core.utils import classproperty

from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.sources.formats import npz
from strokecast.sources.http import downloads
from strokecast.sources.sketches import quickdraw
from strokecast.tfds.configs import OTHER_WAYS, SketchRnnConfig, known_configs

SPLITS = {"train": "train", "validation": "valid", "test": "test"}  # of TFDS: of the files
GROWTH = 4.7  # bytes prepared a byte of npz, measured on 16,000 drawings of 20 classes
_CITATION = """\
@article{ha2017neural,
  title={A Neural Representation of Sketch Drawings},
  author={Ha, David and Eck, Douglas},
  journal={arXiv preprint arXiv:1704.03477},
  year={2017}
}
"""


class SketchRnn(tfds.core.GeneratorBasedBuilder):
    """Quick, Draw! drawings in Sketch-RNN form, from the official files, a mirror or a local folder."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Drawings as float32 (dx, dy, pen_lift)."}  # noqa: RUF012 (TFDS reads it so)

    @classproperty
    @classmethod
    def BUILDER_CONFIGS(cls) -> list[SketchRnnConfig]:  # noqa: N802 (TFDS calls it so)
        """The configs of this process; the first one is what a bare `sketch_rnn` means."""
        return list(dict.fromkeys(known_configs().values()))

    @classproperty
    @classmethod
    def builder_configs(cls) -> dict[str, SketchRnnConfig]:
        """The configs by name. TFDS asks for them before it looks for prepared data by name."""
        if (folder := _project_data_dir()) is not None:
            tfds.core.add_data_dir(folder)
        return known_configs()

    def __init__(self, *, data_dir: Any = None, **kwargs: Any) -> None:
        super().__init__(data_dir=data_dir or _project_data_dir(), **kwargs)
        self._fetched = self.data_dir_root / "downloads" / "strokecast"

    def _create_builder_config(self, builder_config: Any, version: Any) -> Any:
        """Take a config as it is: its name tells all there is to it, so none can shadow another."""
        if isinstance(builder_config, SketchRnnConfig):
            return builder_config
        return super()._create_builder_config(builder_config, version=version)

    def download_and_prepare(
        self, *, download_dir: Any = None, download_config: Any = None, **kwargs: Any
    ) -> None:
        """Fetch the files and prepare them, as TFDS documents it; no cloud bucket is looked into.

        Raises:
            UserError: if the files cannot be had, are damaged, or changed since the config was made.
        """
        if download_dir:
            self._fetched = Path(download_dir).expanduser()
        elif _project_data_dir() is not None:
            self._fetched = downloads.cache_folder()
        wish = download_config or tfds.download.DownloadConfig()
        super().download_and_prepare(
            download_dir=download_dir,
            download_config=dataclasses.replace(wish, try_download_gcs=False),
            **kwargs,
        )

    def _info(self) -> Any:
        return tfds.core.DatasetInfo(
            builder=self,
            description="Drawings that players of Quick, Draw! made within 20 seconds, as pen strokes.",
            features=tfds.features.FeaturesDict(
                {
                    "ink": tfds.features.Tensor(shape=(None, 3), dtype=np.float32),
                    "label": tfds.features.ClassLabel(names=list(self.builder_config.classes)),
                }
            ),
            supervised_keys=("ink", "label"),
            homepage="https://github.com/googlecreativelab/quickdraw-dataset",
            citation=_CITATION,
            license="CC BY 4.0",
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        found = self._class_files()
        self._check_room(found)
        return {name: self._generate_examples(found, split) for name, split in SPLITS.items()}

    def _generate_examples(
        self, found: Mapping[str, Path], split: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for label, path in found.items():
            drawings = npz.read_split(path, split)[: self.builder_config.limit(split)]
            for index, drawing in enumerate(drawings):
                yield f"{label}/{split}/{index}", {"ink": drawing.astype(np.float32), "label": label}

    def _check_room(self, found: Mapping[str, Path]) -> None:
        if any(self.builder_config.limit(split) for split in SPLITS.values()):
            return  # how much a cap leaves is known only once the files are read
        needed = GROWTH * sum(path.stat().st_size for path in found.values())
        free = shutil.disk_usage(self.data_dir_root).free
        if needed > free:
            raise UserError(
                f"about {needed / 1e9:.1f} GB are to be prepared, {free / 1e9:.1f} GB are free",
                where=str(self.data_dir_root),
                fix="free some space, choose fewer classes or a cap, or name another data_dir",
            )

    def _class_files(self) -> dict[str, Path]:
        """The npz of each class: in place in a local folder, else fetched."""
        wish: SketchRnnConfig = self.builder_config
        if not wish.name.endswith(wish.digest()):
            raise UserError(
                "the files changed since this config was made",
                where=str(wish.folder()),
                fix="make the config again",
            )
        if (folder := wish.folder()) is not None:
            return {label: folder / f"{label}.npz" for label in wish.classes}
        known = quickdraw.official_files() if wish.base_url == quickdraw.OFFICIAL else {}
        wanted = [
            downloads.Wanted(
                f"{wish.base_url}/sketchrnn/{quote(label)}.npz", f"{label}.npz", known.get(label)
            )
            for label in wish.classes
        ]
        try:
            found = downloads.fetch(
                wanted, source="quickdraw", other_ways=OTHER_WAYS, folder=Path(self._fetched)
            )
        except downloads.NotThereError as error:
            raise UserError(
                f"no such file {error.wanted.url} (HTTP {error.status})", where="sketch_rnn", fix=OTHER_WAYS
            ) from None
        return dict(zip(wish.classes, found, strict=True))


def _project_data_dir() -> str | None:
    """`.strokecast/tfds` of the project that the process runs in; None elsewhere or with TFDS_DATA_DIR."""
    root = paths.board_root()
    inside = (root / paths.PARAMS).is_file() and (root / "dvc.yaml").is_file()
    return str(root / ".strokecast" / "tfds") if inside and not os.environ.get("TFDS_DATA_DIR") else None
