"""Models of requests, read as FastAPI reads them."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from services.api.edges.http.models.forms import NO_CONSENT
from services.api.edges.http.wrong_fields import sentences

Model = TypeVar("Model", bound=BaseModel)


def read_or_sentences(model: type[Model], given: dict[str, Any], *, where: str) -> Model | dict[str, list[str]] | None:
    """The model, or what is wrong with its fields; None if nothing is but the consent."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        errors = [{**one, "loc": (where, *one["loc"])} for one in error.errors()]
        return None if [one["type"] for one in errors] == [NO_CONSENT] else sentences(errors)
