"""Validation of raw data: rules, quarantine, Data Docs, drift."""
