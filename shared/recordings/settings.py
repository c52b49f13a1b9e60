"""Where recordings lie, as those services are told that have to do with them."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from shared.recordings.store import RecordingStore, in_bucket, in_folder
from shared.settings.service import ServiceSettings


class RecordingSettings(ServiceSettings):
    """RECORDINGS_FOLDER, or RECORDINGS_BUCKET with its keys; neither: nothing is recorded."""

    recordings_folder: Path | None = None
    recordings_bucket: Annotated[str, Field(max_length=63)] = ""
    recordings_endpoint: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    recordings_region: str = "us-east-1"
    recordings_access_key_id: str = ""
    recordings_secret_access_key: str = ""

    @model_validator(mode="after")
    def _one_place_with_keys(self) -> "RecordingSettings":
        if self.recordings_folder is not None and self.recordings_bucket:
            raise ValueError("RECORDINGS_FOLDER and RECORDINGS_BUCKET are two places: set one")
        if self.recordings_bucket and not (self.recordings_access_key_id and self.recordings_secret_access_key):
            raise ValueError("RECORDINGS_BUCKET needs RECORDINGS_ACCESS_KEY_ID and RECORDINGS_SECRET_ACCESS_KEY")
        return self

    def open_recordings(self) -> RecordingStore | None:
        """Open the store, None if there is none."""
        if self.recordings_folder is not None:
            return in_folder(self.recordings_folder)
        if not self.recordings_bucket:
            return None
        return in_bucket(
            self.recordings_bucket,
            endpoint=self.recordings_endpoint,
            region=self.recordings_region,
            access_key_id=self.recordings_access_key_id,
            secret_access_key=self.recordings_secret_access_key,
        )
