"""The classes that a user lists in `params.yaml`: checked, selected, and suggestions for misspelled names."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from strokecast.common import names
from strokecast.common.errors import UserError

MAX_LISTED = 20  # names in one message


def check(classes: str | Sequence[str], key: str) -> None:
    """Check the spelling of a list of classes.

    Args:
        classes: `all`, or a list of class names.
        key: key path of the source's options, for the error message.

    Raises:
        UserError: if the list is empty, repeats a class, or holds a name that cannot be that of a class.
    """
    location = f"{key}.classes"
    if classes == "all":
        return
    if not classes:
        raise UserError("the list is empty", location=location, allowed="all, or a list of classes")
    for label in classes:
        if classes.count(label) > 1:
            raise UserError(f"{label!r} is listed twice", location=location)
    check_labels(classes, location)


def check_labels(labels: Sequence[str], location: str) -> None:
    """Check that every label can be the name of a class, and of its file.

    Args:
        labels: the names.
        location: the file, folder or key path that they come from, for the error message.

    Raises:
        UserError: names the first label that cannot, or two that differ only in case or Unicode form.
    """
    for label in labels:
        names.check(label, "class", location)
        if label.startswith(".") or "/" in label or "\\" in label:
            raise UserError(
                f"{label!r} is not a class name",
                location=location,
                allowed="a name that does not start with a dot, and has no slash and no backslash",
            )
    names.check_distinct(labels, "class", location)


def normalize(classes: str | Sequence[str]) -> str | list[str]:
    """`all`, or the listed classes in composed Unicode form (NFC), as classes are named everywhere."""
    return "all" if classes == "all" else [unicodedata.normalize("NFC", label) for label in classes]


def select(
    classes: str | Sequence[str], available: Sequence[str], folder: Path, suffix: str, key: str
) -> list[str]:
    """Select classes from those that have a file `<class><suffix>` in a folder.

    Args:
        classes: `all`, or a list of class names.
        available: the classes in the folder.
        folder: the folder, for error messages.
        suffix: of the files.
        key: key path of the source's options, for error messages.

    Raises:
        UserError: if the folder has no class, or one whose name cannot be that of a class, or if a listed
            class has no file; names the available ones.
    """
    if not available:
        raise UserError(f"{folder} contains no <class>{suffix}", location=key)
    if classes == "all":
        check_labels(available, str(folder))
        return list(available)
    for label in classes:
        if label not in available:
            raise UserError(
                f"no file {label}{suffix} in {folder}",
                location=f"{key}.classes",
                allowed=f"the classes in this folder: {shorten(available)}",
                fix=suggest(label, available),
            )
    return list(classes)


def select_known(classes: str | Sequence[str], available: Sequence[str], key: str) -> list[str]:
    """Select classes of a source whose classes are known without looking for files.

    Args:
        classes: `all`, or a list of class names.
        available: the classes of the source.
        key: key path of the source's options, for error messages.

    Returns:
        The selected classes in the order of the list; for `all`, in the order of `available`.

    Raises:
        UserError: if the list is empty, repeats a class, or holds an unknown one; names the choices.
    """
    if classes == "all":
        return list(available)
    check(classes, key)
    for label in classes:
        if label not in available:
            raise UserError(
                f"unknown class {label!r}",
                location=f"{key}.classes",
                allowed=available,
                fix=suggest(label, available),
            )
    return list(classes)


def unknown(label: str, official: Sequence[str], key: str, detail: str = "") -> UserError:
    """The error for a name that is not one of the official Quick, Draw! classes."""
    return UserError(
        f"unknown class {label!r}{detail}",
        location=f"{key}.classes",
        allowed=f"the {len(official)} Quick, Draw! classes",
        fix=suggest(label, official),
    )


def suggest(label: str, names: Sequence[str]) -> str:
    """Return "did you mean ...?" with up to three similar names; empty if no name is similar."""
    by_folded = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(label.casefold(), list(by_folded), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(repr(by_folded[name]) for name in close)}?" if close else ""


def shorten(names: Sequence[str]) -> str:
    """The first `MAX_LISTED` names, separated by commas, and the number of the others."""
    rest = len(names) - MAX_LISTED
    return ", ".join(names[:MAX_LISTED]) + (f" and {rest} more" if rest > 0 else "")
