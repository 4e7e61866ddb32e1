"""Forecasters with one regression for all days ahead, refitted on the history: calendar ridge and LightGBM."""
