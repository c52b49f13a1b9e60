"""How one talks on the phone: the limits of listening and speaking, each with its unit."""

# Hearing. A voice activity detector judges each frame; what is speech and where it ends is decided here.
ONSET_MS = 120  # voiced within `ONSET_WINDOW_MS`: less is a click or a breath
ONSET_WINDOW_MS = 200
END_SILENCE_MS = 700  # after it a line is over; shorter pauses are between sentences
LEAD_MS = 200  # of sound before the first voiced frame that is read with it: soft consonants are not voiced
TAIL_MS = 200  # and after the last
MAX_UTTERANCE_MS = 25_000  # of speech without a pause: it is read in pieces

# Taking turns.
BARGE_IN_MS = 300  # voiced, of the other side, while one speaks: one stops. "Mm-hm" is shorter.
HELLO_AFTER_MS = 8_000  # of silence on both sides, after which one asks whether anybody is there, once
GIVE_UP_AFTER_MS = 12_000  # of silence after that
PARTING_MS = 300  # between the last word and the hang-up, which would overtake it on its way
MAX_ASKED_AGAIN = 2  # times in a row one says that nothing could be understood

# Keys.
KEYS_END_MS = 1_500  # after the last one they are one turn; slower keys are two
MAX_KEYS_OF_TURN = 64

# Reading. It takes real time, beside the talk.
MAX_READING = 6  # lines at once; of more, none is read
LAST_READING_SECONDS = 3.0  # after the hang-up, for what was said last

HELLO = "Hello? Are you there?"
SAY_AGAIN = "Sorry, I didn't catch that. Could you say it again, please?"
NO_KEYS = "Digits could not be sent: the agent's connection takes none"
INAUDIBLE = "[inaudible]"
# Noise that no words are found in: shorter is no line at all, longer stands in the transcript as inaudible.
INAUDIBLE_MS = 600
