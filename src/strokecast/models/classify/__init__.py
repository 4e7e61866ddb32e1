"""Strokes to class."""
