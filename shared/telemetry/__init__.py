"""Logs, metrics and traces. Every name stands in the register of `names`."""
