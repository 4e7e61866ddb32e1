"""File formats of pen drawings: parsers, conversion to pen movements, splits, `source.json`."""
