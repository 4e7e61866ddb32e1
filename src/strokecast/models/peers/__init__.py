"""Forecasters without a network: rules, the field's classical methods, and regressions on lags."""
