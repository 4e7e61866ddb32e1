"""Sources of daily series: one file a source, each with `fetch(options, folder)`."""
