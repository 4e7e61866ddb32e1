"""Forecasters: past days to the next `horizon` days."""
