"""Where raw data comes from: one file a source, behind one registry."""
