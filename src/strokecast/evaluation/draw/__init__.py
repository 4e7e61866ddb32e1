"""Evaluation of networks that draw: likelihood, recognition by a judge, sheets of drawings."""
