"""Stage `download@<dataset>`: raw drawings or a raw daily series, unchanged from the source."""

import sys

from strokecast import params
from strokecast.common import paths
from strokecast.common.stage import stage


def main(dataset: str) -> None:
    """Download or generate `dataset` (`sketches` or `series`) into `data/raw/<dataset>/`."""
    outputs = [paths.RAW / dataset]
    with stage(f"download@{dataset}", "downloading or generating the raw data", outputs) as outcome:
        settings = params.read_stage(f"download-{dataset}")
        from strokecast.sources import registry

        outcome(registry.download(dataset, settings))


if __name__ == "__main__":
    main(*sys.argv[1:])
