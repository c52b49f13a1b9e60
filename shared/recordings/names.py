"""Names of recordings in their store: whose, of which call, and a part that nobody can guess."""

import secrets

UNGUESSABLE_BYTES = 16
SOUND_SUFFIX, PEAKS_SUFFIX = ".wav", ".peaks.json"


def new_names(org_id: int, call_id: int, *, is_second_leg: bool = False) -> tuple[str, str]:
    """Return names for a recording and its peaks. Second legs are named by the first: theirs may not have an id."""
    stem = f"{org_id}/{call_id}{'b' if is_second_leg else 'a'}-{secrets.token_urlsafe(UNGUESSABLE_BYTES)}"
    return stem + SOUND_SUFFIX, stem + PEAKS_SUFFIX
