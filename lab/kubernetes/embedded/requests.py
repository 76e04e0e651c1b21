"""From an HTTP request to what it asks for: path, parameters, body."""

from __future__ import annotations

import json
from dataclasses import dataclass

import yaml
from aiohttp import web

from lab.kubernetes.embedded import golang
from lab.kubernetes.embedded.call import Call
from lab.kubernetes.embedded.errors import (
    ApiError,
    bad_request,
    forbidden_field,
    invalid_options,
    no_such_path,
    not_supported,
)
from lab.kubernetes.embedded.kinds import Kind, Kinds
from lab.kubernetes.embedded.objects import Json, Object

APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
PATCHES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY)

_OBJECT_MEDIA = ("application/json", "application/yaml")
#: Named among what is accepted, as the real server does; it is not read here.
_PROTOBUF = "application/vnd.kubernetes.protobuf"
_ANSWER_MEDIA = ("*/*", "application/*", *_OBJECT_MEDIA, _PROTOBUF)
_DIRECTIVES = ("", "Ignore", "Strict", "Warn")
_OPTIONS = {
    "POST": "CreateOptions",
    "PUT": "UpdateOptions",
    "PATCH": "PatchOptions",
    "DELETE": "DeleteOptions",
}


class _JsonLoader(yaml.CSafeLoader):
    """Reads YAML as JSON: dates stay text, and so does "="."""


_NO_JSON = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")
_JsonLoader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag not in _NO_JSON]
    for letter, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Target:
    """The object or collection that a path names."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def target_of(kinds: Kinds, parts: list[str]) -> Target:
    """Read the parts of a path below /api or /apis; ApiError 404."""
    group, rest = ("", parts[1:]) if parts[0] == "api" else (parts[1], parts[2:])
    if len(rest) < 2:
        raise no_such_path()
    version, rest = rest[0], rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    kind = kinds.find(group, version, rest[0])
    name, subresource = (*rest[1:3], "", "")[:2]
    if subresource and subresource not in kind.subresources:
        raise no_such_path()
    if (bool(namespace) and not kind.namespaced) or (len(rest) > 3 and subresource != "proxy"):
        raise no_such_path()
    return Target(kind, namespace, name, subresource)


def verb_of(method: str, target: Target, *, watch: bool) -> str:
    """The verb as the audit log of the real server has it."""
    if method in ("GET", "HEAD"):
        if target.name:
            return "get"
        return "watch" if watch else "list"
    collection = "deletecollection" if not target.name else "delete"
    return {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": collection}.get(
        method, method.lower()
    )


def wants_watch(request: web.Request) -> bool:
    """Whether the parameters ask for a watch."""
    return request.query.get("watch", "").lower() in ("1", "true")


def is_dry_run(request: web.Request) -> bool:
    """Whether the parameters ask for a dry run."""
    return "All" in request.query.getall("dryRun", [])


def call_of(request: web.Request, target: Target) -> Call:
    """The circumstances of a write; ApiError 422 when a parameter is wrong."""
    query = request.query
    options = _OPTIONS.get(request.method, "ListOptions")
    for value in query.getall("dryRun", []):
        if value != "All":
            raise invalid_options(options, [not_supported("dryRun", [value], ["All"])])
    directive = query.get("fieldValidation", "")
    if directive not in _DIRECTIVES:
        raise invalid_options(options, [not_supported("fieldValidation", directive, _DIRECTIVES)])
    if request.method == "PATCH" and "force" in query and request.content_type != APPLY:
        problem = forbidden_field("force", "may not be specified for non-apply patch")
        raise invalid_options(options, [problem])
    agent = request.headers.get("User-Agent", "").partition("/")[0]
    return Call(
        target.kind,
        target.namespace,
        target.name,
        target.subresource,
        manager=query.get("fieldManager") or agent or "unknown",
        dry_run=is_dry_run(request),
        validation=directive or "Warn",
    )


class MalformedError(Exception):
    """A body that is no document; the text says why, in the words of the real server's decoder."""


async def body_of(request: web.Request) -> Json:
    """The document that was sent, or None; MalformedError."""
    content = await request.read()
    return parsed(content, yaml_allowed="yaml" in _media(request)) if content else None


def parsed(content: bytes, *, yaml_allowed: bool) -> Json:
    """A document in JSON, or in YAML as well; MalformedError."""
    try:
        return yaml.load(content, _JsonLoader) if yaml_allowed else json.loads(content)
    except json.JSONDecodeError as error:
        raise MalformedError(golang.json_error(error)) from error
    except yaml.YAMLError as error:
        raise MalformedError(f"error converting YAML to JSON: {golang.yaml_error(error)}") from error
    except UnicodeDecodeError as error:
        raise MalformedError("invalid character in string literal") from error


async def object_of(request: web.Request, kind: str) -> Object:
    """The object of a POST or PUT; ApiError 400 or 415."""
    media = _media(request)
    if media not in _OBJECT_MEDIA:
        raise unsupported_media(", ".join((*_OBJECT_MEDIA, _PROTOBUF)))
    content = await request.read()
    try:
        document = parsed(content, yaml_allowed="yaml" in media)
        if document is not None and not isinstance(document, dict):
            raise MalformedError(golang.cannot_unmarshal(document, golang.TYPE_META))
    except MalformedError as error:
        why = f"couldn't get version/kind; json parse error: {error}"
        raise unrecognized(kind, why, content) from error
    return document or {}


def unrecognized(kind: str, why: str, content: bytes) -> ApiError:
    """400: what was sent is no object of that kind."""
    text = f"the object provided is unrecognized (must be of type {kind}): {why}"
    return bad_request(f"{text} ({golang.summary(content)})")


def check_accepted(request: web.Request) -> None:
    """ApiError 406 when the client takes none of the forms in which the API answers."""
    wanted = request.headers.get("Accept", "") or "*/*"
    if not any(part.split(";")[0].strip() in _ANSWER_MEDIA for part in wanted.split(",")):
        available = ", ".join((*_OBJECT_MEDIA, _PROTOBUF))
        message = f"406: Not Acceptable\n\nAvailable representations: {available}"
        raise ApiError(406, "NotAcceptable", message, {})


def unsupported_media(accepted: str) -> ApiError:
    """415 with the media types that would do."""
    message = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    return ApiError(415, "UnsupportedMediaType", message)


def unknown_patch() -> ApiError:
    """415 of a patch that is of no known type."""
    return ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


def _media(request: web.Request) -> str:
    return request.headers.get("Content-Type", "application/json").partition(";")[0].strip()
