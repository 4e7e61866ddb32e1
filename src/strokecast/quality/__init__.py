"""Great Expectations suites, quarantine and Data Docs: the only room that imports great_expectations."""
