"""Leaderboard and report page of all tasks, made from `reports/<task>/`."""
