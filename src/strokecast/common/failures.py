"""Failures that are no bug: a refused access to a file, a full disk."""

from __future__ import annotations

from strokecast.common import disks, permissions


def describe(error: BaseException, then: str) -> str:
    """One line about a refused access or a full disk; "" for any other error.

    Args:
        error: the error.
        then: what to do once there is space on the disk.
    """
    if permissions.is_denied(error):
        return permissions.describe_denied(error)
    return f"{disks.describe_full(error)}, then {then}" if disks.is_full(error) else ""
