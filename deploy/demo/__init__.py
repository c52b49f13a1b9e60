"""The demo organisations and the show."""
