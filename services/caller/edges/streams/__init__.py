"""Calls over WebSockets: the agent as a server that is dialled, sound as µ-law in JSON messages."""
