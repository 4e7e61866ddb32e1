"""The other formats that pen drawings come in: parsers, conversion to pen movements, splits."""
