"""Downloads over HTTP: parallel, resumable, verified."""
