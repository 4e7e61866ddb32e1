"""The drawings of Kaggle's Doodle Recognition Challenge, from a local folder with the CSV files of `train_simplified`.

The column `word` names the class of each drawing, not the name of the file. Files are kept byte for byte.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from strokecast.params import KaggleCsv
from strokecast.sources import class_files, class_names, local
from strokecast.sources.class_folder import ClassFolder
from strokecast.sources.formats import kaggle, source_json
from strokecast.sources.sketches import quickdraw

SOURCE = "kaggle_csv"
KEY = f"params.yaml: sketches.{SOURCE}"


def check(options: KaggleCsv) -> None:
    """Check that the folder has CSV files; the classes are known after all of them were read.

    Raises:
        UserError: if the folder is missing or has no CSV file, or a class is listed twice.
    """
    _scan(options).select("all", KEY)


def _scan(options: KaggleCsv) -> ClassFolder:
    input_folder = local.resolve(options.folder)
    local.check_folder(input_folder, options.folder, f"{KEY}.folder", "a folder with CSV files")
    class_names.check(options.classes, KEY)
    return ClassFolder.scan(input_folder, ".csv")


def fetch(options: KaggleCsv, folder: Path) -> str:
    """Copy the files with a selected class into `folder`, with `source.json`; return one line that describes them.

    Raises:
        UserError: if the folder is missing or has no CSV file, a file has another format, or a class is unknown.
    """
    from strokecast.common.console import progress

    class_folder = _scan(options)
    words: dict[str, list[str]] = {}  # name of a file -> its classes
    for stem, path in progress(class_folder.select("all", KEY).items(), "reading the classes", unit="file"):
        kaggle.check(path)
        words[f"{stem}.csv"] = kaggle.read_words(path)
    available = sorted({word for file_words in words.values() for word in file_words})
    class_names.check_labels(available, str(class_folder.folder))
    classes = class_names.select_known(class_names.normalize(options.classes), available, KEY)
    selected = {name: [word for word in file_words if word in classes] for name, file_words in words.items()}
    selected = {name: file_words for name, file_words in selected.items() if file_words}
    for name in progress(selected, "copying", unit="file"):
        path = class_folder.paths[name.removesuffix(".csv")][0]
        shutil.copyfile(path, folder / name)
    source: dict[str, Any] = {
        "source": SOURCE,
        "format": "kaggle",
        "classes": classes,
        "words": selected,
        "files": {name: local.file_info(folder / name) for name in selected},
        "options": class_files.drawing_options(options),
        **quickdraw.CREDITS,
    }
    source_json.write(folder, source)
    return source_json.summary(source) + class_folder.passed_over()


def describe_change(options: KaggleCsv, source: dict[str, Any]) -> str | None:
    """One line if a local file was added or has another size than in `source.json`, else None."""
    class_folder = ClassFolder.scan(local.resolve(options.folder), ".csv")
    known = [name.removesuffix(".csv") for name in source["files"]]
    return class_folder.describe_change(options.classes, {**source, "classes": known})
