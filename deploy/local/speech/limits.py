"""What the local speech server takes at once, and at most."""

import os

MAX_INPUT_CHARS = 4_096
MAX_FORM_BYTES = 25 * 1024 * 1024  # OpenAI's own limit for a file
MAX_JSON_BYTES = 64 * 1024
MAX_SOUND_SECONDS = 120.0
MAX_PROMPT_CHARS = 20_000
MAX_LINES = 2_000

WORKERS = min(os.cpu_count() or 1, 8)  # processes that read
MAX_WAITING_READINGS = 64
MAX_WAITING_FOR_WHISPER = 12  # each takes a core for 1.8 s, however short it is
MAX_WAITING_LINES = 128
LINES_AT_ONCE = 4
LINE_SECONDS = 30.0
RETRY_AFTER_SECONDS = 1

COMMON_WORDS = 1_000  # that may be said though nobody expected them
KEPT_MODELS = 8  # of what was expected lately, in each process: to make one takes longer than to read a line
