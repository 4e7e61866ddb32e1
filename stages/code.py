"""Stage `code`: the source that all trainings share → `data/code/`, one digest for each kind of training."""

from pathlib import Path

from strokecast.common import files, paths
from strokecast.common.stage import stage

SHARED = (
    "stages/train.py",
    "src/strokecast/common",
    "src/strokecast/params",
    "src/strokecast/features/records",
    "src/strokecast/inference",
    "src/strokecast/models/common",
    "src/strokecast/models/layers",
    "src/strokecast/tracking",
    "src/strokecast/training",
)
SERIES = (
    "src/strokecast/features/timeseries",
    "src/strokecast/models/statistical",
    "src/strokecast/models/regression",
    "src/strokecast/models/pooled",
)


def main() -> None:
    """Write the places that count for a training and the digest of their source, without comments."""
    with stage("code", "digesting the code that trainings share") as outcome:
        from strokecast.common.source_digest import source_digest, source_files

        digests = {}
        with files.new_folder(paths.CODE) as folder:
            for name, places in {"drawings": SHARED, "series": (*SHARED, *SERIES)}.items():
                sources = [path for place in places for path in source_files(Path(place))]
                digests[name] = source_digest(sources, Path())
                files.write_json(folder / f"{name}.json", {"places": sorted(places), "digest": digests[name]})
        outcome(", ".join(f"{name} {digest[:12]}" for name, digest in digests.items()))


if __name__ == "__main__":
    main()
