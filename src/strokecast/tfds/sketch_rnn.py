"""The TensorFlow Datasets builder `sketch_rnn`: Quick, Draw! drawings as pen strokes.

Features:
    ink: float32 `[n_points, 3]` = (dx, dy, pen_lift), in the units of the file. The official files
        hold int16, which float32 represents exactly. float32 also holds the fractions in other
        Sketch-RNN files, and TFRecords store it in 4 bytes but a negative integer in 10.
    label: `ClassLabel`, the classes in the order of the config.

Splits: `train`, `validation`, `test`; 70,000 / 2,500 / 2,500 drawings per class in the official files.

Locations:
    Prepared data: `data_dir` if it is set, else `$TFDS_DATA_DIR`, else `.strokecast/tfds/` in a
        strokecast project, else `~/tensorflow_datasets/`; in `sketch_rnn/<config>/<version>/`.
        About 0.7 KB per drawing, `GROWTH` times the size of the npz files.
    Downloads: `download_dir` if it is set, else `.strokecast/downloads/` in a project (the cache of
        the stage `download@sketches`), else `<data_dir>/downloads/strokecast/`. A local folder is
        read in place.
    All of them may be deleted at any time.

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
from strokecast.tfds.configs import ALTERNATIVES, SketchRnnConfig, available_configs

SPLITS = {"train": "train", "validation": "valid", "test": "test"}  # TFDS name: name in the files
GROWTH = 4.7  # prepared bytes per byte of npz, measured on 16,000 drawings of 20 classes
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
    RELEASE_NOTES = {"1.0.0": "Drawings as float32 (dx, dy, pen_lift)."}  # noqa: RUF012 (required by TFDS)

    @classproperty
    @classmethod
    def BUILDER_CONFIGS(cls) -> list[SketchRnnConfig]:  # noqa: N802 (required by TFDS)
        """The configs of this process; the first one is the default of `sketch_rnn`."""
        return list(dict.fromkeys(available_configs().values()))

    @classproperty
    @classmethod
    def builder_configs(cls) -> dict[str, SketchRnnConfig]:
        """The configs by name. TFDS reads this before it searches for prepared data by name."""
        if (folder := _project_data_dir()) is not None:
            tfds.core.add_data_dir(folder)
        return available_configs()

    def __init__(self, *, data_dir: Any = None, **kwargs: Any) -> None:
        super().__init__(data_dir=data_dir or _project_data_dir(), **kwargs)
        self._cache_dir = self.data_dir_root / "downloads" / "strokecast"

    def _create_builder_config(self, builder_config: Any, version: Any) -> Any:
        """Use a config unchanged: its name identifies its data, so no config can shadow another."""
        if isinstance(builder_config, SketchRnnConfig):
            return builder_config
        return super()._create_builder_config(builder_config, version=version)

    def download_and_prepare(
        self, *, download_dir: Any = None, download_config: Any = None, **kwargs: Any
    ) -> None:
        """Download and prepare the files, as documented by TFDS, without a look into its cloud bucket.

        Raises:
            UserError: if the files cannot be downloaded, are damaged, or changed after the config was
                created.
        """
        if download_dir:
            self._cache_dir = Path(download_dir).expanduser()
        elif _project_data_dir() is not None:
            self._cache_dir = downloads.cache_dir()
        download_config = download_config or tfds.download.DownloadConfig()
        super().download_and_prepare(
            download_dir=download_dir,
            download_config=dataclasses.replace(download_config, try_download_gcs=False),
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
            license=quickdraw.CREDITS["licence"],
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        class_files = self._class_files()
        self._check_disk_space(class_files)
        return {name: self._generate_examples(class_files, split) for name, split in SPLITS.items()}

    def _generate_examples(
        self, class_files: Mapping[str, Path], split: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for label, path in class_files.items():
            drawings = npz.read_split(path, split)[: self.builder_config.limit(split)]
            for index, drawing in enumerate(drawings):
                yield f"{label}/{split}/{index}", {"ink": drawing.astype(np.float32), "label": label}

    def _check_disk_space(self, class_files: Mapping[str, Path]) -> None:
        if any(self.builder_config.limit(split) for split in SPLITS.values()):
            return  # the size of a capped dataset is unknown before the files are read
        needed = GROWTH * sum(path.stat().st_size for path in class_files.values())
        free = shutil.disk_usage(self.data_dir_root).free
        if needed > free:
            raise UserError(
                f"the prepared data needs about {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free",
                location=str(self.data_dir_root),
                fix="free some space, choose fewer classes, set a cap, or set another data_dir",
            )

    def _class_files(self) -> dict[str, Path]:
        """The npz of each class: in the local folder, or in the download cache."""
        config: SketchRnnConfig = self.builder_config
        if not config.name.endswith(config.digest()):
            raise UserError(
                "the files changed after this config was created",
                location=str(config.folder()),
                fix="create the config again",
            )
        if (local_files := config.local_files()) is not None:
            return local_files
        official = quickdraw.official_files() if config.base_url == quickdraw.OFFICIAL else {}
        requests = [
            downloads.DownloadRequest(
                f"{config.base_url}/{quickdraw.FOLDER}/{quote(label)}.npz",
                f"{label}.npz",
                official.get(label),
            )
            for label in config.classes
        ]
        try:
            cached = downloads.fetch(
                requests, source="quickdraw", alternatives=ALTERNATIVES, folder=Path(self._cache_dir)
            )
        except downloads.NotFoundError as error:
            raise UserError(
                f"no such file {error.request.url} (HTTP {error.status})",
                location="sketch_rnn",
                fix=ALTERNATIVES,
            ) from None
        return dict(zip(config.classes, cached, strict=True))


def _project_data_dir() -> str | None:
    """`.strokecast/tfds` of the current project; None outside of a project or if TFDS_DATA_DIR is set."""
    root = paths.board_root()
    in_project = (root / paths.PARAMS).is_file() and (root / "dvc.yaml").is_file()
    return str(root / ".strokecast" / "tfds") if in_project and not os.environ.get("TFDS_DATA_DIR") else None
