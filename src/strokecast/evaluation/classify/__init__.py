"""Evaluation of classifiers of drawings: accuracy, calibration, confusion."""
