"""Stage `validate@<dataset>`: raw rows → accepted rows, quarantine, report and Data Docs."""

import sys

from strokecast import params
from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.common.stage import stage


def main(dataset: str) -> None:
    """Judge `dataset` (`sketches` or `series`) by the rules of `quality.<dataset>`."""
    with stage(f"validate@{dataset}", "judging every row by the rules of params.yaml") as outcome:
        if dataset not in params.DATASETS:
            raise UserError(f"unknown dataset {dataset!r}", allowed=", ".join(params.DATASETS))
        whole = params.load()
        settings = whole.quality
        raw = paths.RAW / dataset
        if dataset == "sketches":
            from strokecast.sources.formats import npz, reading
            from strokecast.validation.sketches import validate as sketches

            source = npz.read_source(raw)
            done = sketches.validate(lambda: reading.read(raw), source, settings.sketches, settings.reference)
        else:
            from strokecast.sources import tables
            from strokecast.validation.series import validate as series

            done = series.validate(
                tables.read_series(raw),
                tables.read_source(raw),
                settings.series,
                forecast=whole.features.forecast,
                reference=settings.reference,
            )
        for warning in done.warnings:
            print(f"[validate@{dataset}] warning: {warning}", flush=True)
        outcome(done.line)


if __name__ == "__main__":
    main(*sys.argv[1:])
