"""Trained networks in portable formats, with their features inside the graph."""
