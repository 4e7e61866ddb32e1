"""Trained models applied: predictors, sampling, rolling-origin forecasts, conformal intervals."""
