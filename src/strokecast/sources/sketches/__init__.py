"""Sources of pen drawings: one file a source, each with `fetch(options, folder)`."""
