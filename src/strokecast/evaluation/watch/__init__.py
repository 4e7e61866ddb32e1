"""Evaluation of classifiers of videos."""
