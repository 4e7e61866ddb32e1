"""Pen strokes and daily series through every classic sequence architecture."""
