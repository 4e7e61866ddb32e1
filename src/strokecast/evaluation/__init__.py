"""Metrics, intervals, plots, leaderboard."""
