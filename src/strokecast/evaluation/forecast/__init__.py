"""Evaluation of forecasters: errors, intervals, refits, figures."""
