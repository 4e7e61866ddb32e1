"""The commands of `strokecast`."""
