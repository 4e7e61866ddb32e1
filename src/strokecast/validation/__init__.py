"""Validation of raw data: rules, quarantine, Data Docs and drift."""
