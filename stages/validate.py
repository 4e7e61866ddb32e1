"""Stage `validate@<dataset>`: raw rows → accepted rows, quarantine, report and Data Docs."""

import sys

from strokecast import params
from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.common.stage import stage
from strokecast.params.stages import is_skipped


def main(dataset: str) -> None:
    """Validate `dataset` (`sketches` or `series`) against the rules in `quality.<dataset>`."""
    outputs = [paths.VALIDATED / dataset]
    with stage(
        f"validate@{dataset}", "checking every row against quality.* of params.yaml", outputs
    ) as outcome:
        if dataset not in params.DATASETS:
            raise UserError(f"unknown dataset {dataset!r}", allowed=params.DATASETS)
        settings = params.read_stage(f"validate-{dataset}")
        quality = settings.quality
        raw = paths.RAW / dataset
        if dataset == "sketches":
            from strokecast.sources.formats import reading, source_json
            from strokecast.validation.sketches.source import SketchSource
            from strokecast.validation.sketches.validate import validate_sketches

            result = validate_sketches(
                lambda: reading.read(raw),
                SketchSource.from_json(source_json.read(raw, "sketches")),
                quality.sketches,
                quality.reference,
            )
        else:
            from strokecast.sources import tables
            from strokecast.sources.formats import source_json
            from strokecast.validation.series.source import SeriesSource
            from strokecast.validation.series.validate import validate_series

            result = validate_series(
                tables.read_series(raw),
                SeriesSource.from_json(source_json.read(raw, "series")),
                quality.series,
                forecast=None if is_skipped(settings) else settings.features.forecast,
                reference=quality.reference,
            )
        from strokecast.validation.profiles import missing_champion

        for warning in filter(None, (*result.warnings, missing_champion(quality.reference, dataset))):
            print(f"[validate@{dataset}] warning: {warning}", flush=True)
        outcome(result.line)


if __name__ == "__main__":
    main(*sys.argv[1:])
