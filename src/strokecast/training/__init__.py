"""Input pipeline, the one loop, devices."""
