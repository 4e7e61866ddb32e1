"""Features of daily series: calendar, transforms, windows."""
