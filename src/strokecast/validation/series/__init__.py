"""Validation of daily series."""
