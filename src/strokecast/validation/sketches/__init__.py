"""Validation of drawings."""
