"""Sound on the wire and on disk."""
