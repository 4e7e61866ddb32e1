"""Procedural drawings for the source `doodles`: ideal shapes plus human noise."""
