"""Pen strokes and daily series through every classic sequence architecture."""

__version__ = "0.2.0"
