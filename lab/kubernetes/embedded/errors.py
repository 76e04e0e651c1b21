"""Errors of the API as `Status` objects, worded as the real server words them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.kubernetes.embedded.objects import Json, Object

if TYPE_CHECKING:
    from lab.kubernetes.embedded.kinds import Kind

_WORDS = {
    "FieldValueNotFound": "Not found",
    "FieldValueRequired": "Required value",
    "FieldValueDuplicate": "Duplicate value",
    "FieldValueInvalid": "Invalid value",
    "FieldValueTypeInvalid": "Invalid value",
    "FieldValueNotSupported": "Unsupported value",
    "FieldValueForbidden": "Forbidden",
    "FieldValueTooLong": "Too long",
    "FieldValueTooMany": "Too many",
}
_WITHOUT_VALUE = {"FieldValueRequired", "FieldValueForbidden", "FieldValueTooLong"}


class ApiError(Exception):
    """An answer other than success; `status` is the body."""

    def __init__(self, code: int, reason: str, message: str, details: Object | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            **({"reason": reason} if reason else {}),
            **({} if details is None else {"details": details}),
            "code": code,
        }


@dataclass(frozen=True)
class Problem:
    """One invalid field of an object (field.Error of the real server)."""

    field: str
    type: str
    value: Json
    detail: str

    @property
    def body(self) -> str:
        """What is wrong, without the field's name."""
        words = _WORDS[self.type]
        if self.type not in _WITHOUT_VALUE:
            words += f": {_shown(self.value)}"
        return f"{words}: {self.detail}" if self.detail else words

    @property
    def cause(self) -> Object:
        """The entry of a Status' details."""
        return {"reason": self.type, "message": self.body, "field": self.field}


def _shown(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def required(field: str, detail: str = "") -> Problem:
    """A field is missing or empty."""
    return Problem(field, "FieldValueRequired", "", detail)


def invalid_value(field: str, value: Json, detail: str) -> Problem:
    """A field holds a malformed value."""
    return Problem(field, "FieldValueInvalid", value, detail)


def type_invalid(field: str, value: Json, detail: str) -> Problem:
    """A field holds a value of another type than the schema says."""
    return Problem(field, "FieldValueTypeInvalid", value, detail)


def duplicate(field: str, value: Json) -> Problem:
    """A value occurs twice where it may occur once."""
    return Problem(field, "FieldValueDuplicate", value, "")


def value_not_found(field: str, value: Json) -> Problem:
    """A field refers to something that is not there."""
    return Problem(field, "FieldValueNotFound", value, "")


def not_supported(field: str, value: Json, supported: Sequence[str]) -> Problem:
    """A field holds none of the values it may have."""
    return Problem(
        field,
        "FieldValueNotSupported",
        value,
        "supported values: " + ", ".join(_shown(word) for word in supported),
    )


def forbidden_field(field: str, detail: str) -> Problem:
    """A field may not be set here."""
    return Problem(field, "FieldValueForbidden", "", detail)


def too_long(field: str, limit: int) -> Problem:
    """A value has more bytes than it may."""
    return Problem(field, "FieldValueTooLong", "", f"may not be more than {limit} bytes")


def too_many(field: str, count: int, limit: int) -> Problem:
    """A list or an object has more entries than it may."""
    noun = "item" if limit == 1 else "items"
    return Problem(field, "FieldValueTooMany", count, f"must have at most {limit} {noun}")


def bad_request(message: str) -> ApiError:
    """400: the request cannot be understood."""
    return ApiError(400, "BadRequest", message)


def internal(message: str) -> ApiError:
    """500 without a reason: an error that the real server does not classify."""
    return ApiError(500, "", message)


def unauthorized() -> ApiError:
    """401: no user could be recognised."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def no_such_path() -> ApiError:
    """404 of a path that no kind serves."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


class NoSuchGroupError(Exception):
    """Nothing is served under a path's group; the real server answers that in plain text."""


def not_found(kind: Kind, name: str) -> ApiError:
    """404 of an object."""
    return ApiError(404, "NotFound", f'{kind.resource} "{name}" not found', kind.details(name))


def already_exists(kind: Kind, name: str, *, going: bool) -> ApiError:
    """409 of a create; `going` says that what is there waits for its removal."""
    prefix = "object is being deleted: " if going else ""
    message = f'{prefix}{kind.resource} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, kind.details(name))


def conflict(kind: Kind, name: str, why: str) -> ApiError:
    """409 of an update or a precondition."""
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
    return ApiError(409, "Conflict", message, kind.details(name))


def forbidden(kind: Kind, name: str, why: str) -> ApiError:
    """403 of an admission check."""
    subject = f'{kind.resource} "{name}"' if name else kind.resource
    return ApiError(403, "Forbidden", f"{subject} is forbidden: {why}", kind.details(name))


def invalid(kind: Kind, name: str, problems: Sequence[Problem]) -> ApiError:
    """422 of an object, with one cause for each problem."""
    details = {**kind.details(name), "kind": kind.name}
    return _unprocessable(f'{kind.qualified} "{name}" is invalid', details, problems)


def invalid_patch(patch: str, why: str) -> ApiError:
    """422 of a patch that does not give an object."""
    return _unprocessable(' "" is invalid', {}, [invalid_value("patch", patch, why)])


def invalid_options(options: str, problems: Sequence[Problem]) -> ApiError:
    """422 of request options, for example PatchOptions."""
    return invalid_request("meta.k8s.io", options, "", problems)


def invalid_request(group: str, kind: str, name: str, problems: Sequence[Problem]) -> ApiError:
    """422 of a document that is no stored object, for example a Scale."""
    named = {"name": name} if name else {}
    details = {**named, "group": group, "kind": kind}
    return _unprocessable(f'{kind}.{group} "{name}" is invalid', details, problems)


def _unprocessable(subject: str, details: Object, problems: Sequence[Problem]) -> ApiError:
    texts = list(dict.fromkeys(f"{problem.field}: {problem.body}" for problem in problems))
    said = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    causes = [problem.cause for problem in problems]
    return ApiError(422, "Invalid", f"{subject}: {said}", {**details, "causes": causes})
