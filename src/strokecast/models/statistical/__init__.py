"""Forecasters without a regression: seasonal rules and statsforecast models."""
