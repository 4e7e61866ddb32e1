"""Prediction from a trained model's folder on raw input."""
