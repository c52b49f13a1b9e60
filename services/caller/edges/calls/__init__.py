"""The kinds of calls: in text, over SIP, over WebSockets."""
