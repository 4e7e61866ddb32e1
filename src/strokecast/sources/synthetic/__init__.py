"""The procedural drawings behind the source `doodles`."""
