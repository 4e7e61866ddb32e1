"""Classifiers: strokes to class."""
