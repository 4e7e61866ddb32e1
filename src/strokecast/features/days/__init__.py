"""Days of a series: calendar, transforms, horizons, origins."""
