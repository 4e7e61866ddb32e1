"""Evaluation of trained models on the test split, and the leaderboard of all tasks."""
