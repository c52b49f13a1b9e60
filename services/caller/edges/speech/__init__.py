"""Speech from text and text from speech, behind OpenAI-compatible endpoints."""
