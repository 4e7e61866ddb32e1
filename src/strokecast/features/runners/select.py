"""The choice of the runner by `preprocess.runner` of `params.yaml`."""

from __future__ import annotations

from strokecast.features.runners.base import Runner
from strokecast.params import Preprocess


def make_runner(settings: Preprocess) -> Runner:
    """The runner that `settings` names.

    Raises:
        UserError: if it is `beam` and Apache Beam is not installed.
    """
    if settings.runner == "beam":
        from strokecast.features.runners.beam import BeamRunner

        return BeamRunner(settings.beam_options)
    from strokecast.features.runners.local import LocalRunner

    return LocalRunner(settings.workers)
