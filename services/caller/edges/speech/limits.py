"""What is asked of the speech endpoint, and taken from it, at most."""

MAX_SAID_CHARS = 4_096  # OpenAI's own limit for an input
MAX_SAID_SECONDS = 300.0
MAX_READ_SECONDS = 120.0
MIN_READ_SECONDS = 0.1  # OpenAI refuses less
MAX_EXPECTED_CHARS = 16_000
# MAX_SAID_SECONDS of 24 kHz, which is what most endpoints give; more than 48 kHz in stereo would need for a minute.
MAX_ANSWER_BYTES = 16 * 1024 * 1024
MAX_TRANSCRIPT_BYTES = 64 * 1024
MAX_READ_CHARS = 4_000

SPEECH_LIMIT_SECONDS = 20.0  # the default of the setting: how long the endpoint may take, all tries together
MAX_TRIES = 5
FIRST_WAIT_SECONDS = 0.2  # doubled for each further one, unless the endpoint says how long

MAX_KEPT_BYTES = 16 * 1024 * 1024  # of lines that were said before: 17 minutes
MAX_KEPT_LINE_BYTES = 512 * 1024
