"""What is done with objects and collections: one method for each kind of request."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import aiohttp
from aiohttp import web

from lab.kubernetes.embedded import golang, port_forward, proxy
from lab.kubernetes.embedded.admission import NAMESPACES
from lab.kubernetes.embedded.call import Call
from lab.kubernetes.embedded.errors import ApiError, bad_request, forbidden_field, internal, invalid_options
from lab.kubernetes.embedded.objects import Json, Object, clone
from lab.kubernetes.embedded.patches import json_patch, merge_patch, strategic_patch
from lab.kubernetes.embedded.requests import (
    APPLY,
    JSON_PATCH,
    MERGE_PATCH,
    PATCHES,
    STRATEGIC_PATCH,
    MalformedError,
    Target,
    body_of,
    call_of,
    object_of,
    unknown_patch,
    unsupported_media,
)
from lab.kubernetes.embedded.scale import check_scale, scale_of, scaled
from lab.kubernetes.embedded.schema import Schema
from lab.kubernetes.embedded.selectors import selection
from lab.kubernetes.embedded.store import Store
from lab.kubernetes.embedded.tokens import Tokens
from lab.kubernetes.embedded.validation.options import check_delete_options
from lab.kubernetes.embedded.verbs import Verbs
from lab.kubernetes.embedded.watching import Wish, events

#: Where a request keeps the warnings of its answer.
WARNINGS = web.RequestKey("warnings", list[str])
#: Kinds whose deletion answers with the object instead of a Status.
_SHOWN_WHEN_DELETED = {"Namespace", "Pod", "Service", "ServiceAccount"}
_NOT_OLDER = "NotOlderThan"
_SUCCESS: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}

Handler = Callable[[web.Request, Target], Awaitable[web.StreamResponse]]
#: Makes a new document out of a patch, a schema and an object.
Change = Callable[[Json, Schema, Object], Json]


class Handlers:
    """Requests for objects, on top of the verbs."""

    def __init__(self, store: Store, verbs: Verbs, tokens: Tokens, client: aiohttp.ClientSession) -> None:
        self._store = store
        self._verbs = verbs
        self._tokens = tokens
        self._client = client

    def choose(self, request: web.Request, target: Target) -> Handler:
        """The method for a request; ApiError 405."""
        special: dict[str, Handler] = {
            "proxy": self._proxy,
            "portforward": self._port_forward,
            "scale": self._scale,
            "token": self._token,
            "binding": self._binding,
            "finalize": self._update,
        }
        if target.subresource in special:
            return special[target.subresource]
        on_object: dict[str, Handler] = {
            "GET": self._get,
            "PUT": self._update,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }
        on_collection: dict[str, Handler] = {
            "GET": self._list,
            "POST": self._create,
            "DELETE": self._delete_collection,
        }
        handler = (on_object if target.name else on_collection).get(request.method)
        homeless = target.kind.namespaced and not target.namespace and request.method != "GET"
        partly = request.method == "DELETE" and target.subresource
        # Namespaces are too much to be deleted by mistake.
        all_namespaces = handler == self._delete_collection and target.kind.place == NAMESPACES
        if handler is None or homeless or partly or all_namespaces:
            raise _not_allowed()
        return handler

    async def _get(self, request: web.Request, target: Target) -> web.Response:
        return _object(target, self._verbs.get(call_of(request, target)))

    async def _list(self, request: web.Request, target: Target) -> web.Response:
        kind = target.kind
        matches = selection(
            kind, request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")
        )
        items = [item for item in self._store.find(kind.place, target.namespace) if matches(item)]
        if kind.custom:
            items = [{**item, "apiVersion": kind.api_version} for item in items]
        else:
            items = [_untyped(item) for item in items]
        metadata = {"resourceVersion": str(self._store.revision)}
        if kind.custom:
            metadata["continue"] = ""
        return json_response(
            {"kind": kind.list_name, "apiVersion": kind.api_version, "metadata": metadata, "items": items}
        )

    async def watch(self, request: web.Request, target: Target) -> web.StreamResponse:
        query = request.query
        initial = query.get("sendInitialEvents") == "true"
        if initial and query.get("resourceVersionMatch") != _NOT_OLDER:
            why = f"sendInitialEvents requires setting resourceVersionMatch to {_NOT_OLDER}"
            raise invalid_options("ListOptions", [forbidden_field("resourceVersionMatch", why)])
        wish = Wish(
            target.kind,
            target.namespace,
            selection(target.kind, query.get("labelSelector", ""), query.get("fieldSelector", "")),
            None if initial else _revision(query.get("resourceVersion", "")),
            initial_events=initial,
            bookmarks=query.get("allowWatchBookmarks") == "true",
            seconds=float(query.get("timeoutSeconds") or Wish.seconds),
        )
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        async for line in events(self._store, wish):
            await response.write(line)
        return response

    async def _create(self, request: web.Request, target: Target) -> web.Response:
        call = await _written(request, target)
        document = await object_of(request, target.kind.name)
        return _object(target, self._verbs.create(call, document), 201)

    async def _update(self, request: web.Request, target: Target) -> web.Response:
        call = await _written(request, target)
        document = await object_of(request, target.kind.name)
        return _object(target, self._verbs.update(call, document))

    async def _patch(self, request: web.Request, target: Target) -> web.Response:
        media = request.content_type
        if media not in PATCHES:
            raise unknown_patch()
        accepted = [name for name in PATCHES if name != STRATEGIC_PATCH or not target.kind.custom]
        if media not in accepted:
            raise unsupported_media(", ".join(accepted))
        call = await _written(request, target)
        document = await _patch_document(request, media)
        if media == APPLY:
            force = request.query.get("force", "").lower() in ("1", "true")
            manager = request.query.get("fieldManager", "")
            item, created = self._verbs.apply(call, document, manager=manager, force=force)
            return _object(target, item, 201 if created else 200)
        change, shown = partial(_CHANGES[media], document), ""
        if media == STRATEGIC_PATCH:
            shown = golang.shown(document)
        return _object(target, self._verbs.patch(call, change, shown))

    async def _delete(self, request: web.Request, target: Target) -> web.Response:
        call, options = await _written(request, target), await _delete_options(request)
        call.dry_run = call.dry_run or "All" in options.get("dryRun", [])
        item, gone = self._verbs.delete(call, options)
        if not gone or target.kind.name in _SHOWN_WHEN_DELETED:
            return _object(target, item)
        details = {**target.kind.details(target.name), "uid": item["metadata"]["uid"]}
        return json_response({**_SUCCESS, "details": details})

    async def _delete_collection(self, request: web.Request, target: Target) -> web.Response:
        listed = await self._list(request, target)
        document: Object = json.loads(listed.body or b"{}") if isinstance(listed.body, bytes) else {}
        options = await _delete_options(request)
        for item in document["items"]:
            call = call_of(request, target)
            call.name = item["metadata"]["name"]
            self._verbs.delete(call, clone(options))
        return listed

    async def _scale(self, request: web.Request, target: Target) -> web.Response:
        call = await _written(request, target)
        present = self._verbs.get(call)
        if request.method == "GET":
            return json_response(scale_of(target.kind, present))
        if request.method == "PATCH":
            change = json_patch if request.content_type == JSON_PATCH else merge_patch
            patch = await _patch_document(request, request.content_type)
            document = change(scale_of(target.kind, present), patch)
        elif request.method == "PUT":
            document = await object_of(request, "Scale")
        else:
            raise _not_allowed()
        check_scale(call.name, document, patched=request.method == "PATCH")
        changed = self._verbs.patch(call, lambda _, item: scaled(target.kind, item, document), "")
        return json_response(scale_of(target.kind, changed))

    async def _token(self, request: web.Request, target: Target) -> web.Response:
        if request.method != "POST":
            raise _not_allowed()
        document = await object_of(request, "TokenRequest")
        return json_response(self._tokens.request(target.kind, target.namespace, target.name, document), 201)

    async def _binding(self, request: web.Request, target: Target) -> web.Response:
        """Put a pod on a node, as the scheduler does."""
        if request.method != "POST":
            raise _not_allowed()
        document = await object_of(request, "Binding")
        self._verbs.bind(call_of(request, target), document.get("target", {}).get("name", ""))
        return json_response({**_SUCCESS, "code": 201}, 201)

    async def _proxy(self, request: web.Request, target: Target) -> web.Response:
        base = proxy.target(self._store, target.kind, target.namespace, target.name)
        return await proxy.forward(self._client, request, base)

    async def _port_forward(self, request: web.Request, target: Target) -> web.StreamResponse:
        return await port_forward.forward(request, self._store, target.kind, target.namespace, target.name)


def json_response(document: Json, status: int = 200) -> web.Response:
    """An answer in JSON."""
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return web.Response(body=body, status=status, content_type="application/json")


def _object(target: Target, item: Object, status: int = 200) -> web.Response:
    return json_response({**item, "apiVersion": target.kind.api_version}, status)


def _untyped(item: Object) -> Object:
    """An item of a list of a built-in kind: the list says what it is."""
    return {name: value for name, value in item.items() if name not in ("apiVersion", "kind")}


async def _written(request: web.Request, target: Target) -> Call:
    """The circumstances of a request that may write."""
    call = call_of(request, target)
    call.warnings = request[WARNINGS]
    call.content = await request.read()
    return call


def _json_patched(document: Json, _schema: Schema, item: Object) -> Json:
    return json_patch(item, document)


def _merge_patched(document: Json, _schema: Schema, item: Object) -> Json:
    return merge_patch(item, document)


def _strategic_patched(document: Json, schema: Schema, item: Object) -> Json:
    return strategic_patch(schema, item, document)


_CHANGES: Mapping[str, Change] = {
    JSON_PATCH: _json_patched,
    MERGE_PATCH: _merge_patched,
    STRATEGIC_PATCH: _strategic_patched,
}


async def _patch_document(request: web.Request, media: str) -> Json:
    """The document of a patch; ApiError 400."""
    try:
        document = await body_of(request)
    except MalformedError as error:
        raise bad_request(
            f"error decoding patch: {error}" if media == APPLY else "invalid JSON patch"
        ) from error
    if media in (MERGE_PATCH, STRATEGIC_PATCH) and not isinstance(document, dict):
        why = golang.cannot_unmarshal(document, golang.MAP)
        raise bad_request(why if media == STRATEGIC_PATCH else f"error decoding patch: {why}")
    return document


async def _delete_options(request: web.Request) -> Object:
    """DeleteOptions of the body or, where there is none, of the parameters; ApiError 400 or 422."""
    try:
        options: Object = dict(await body_of(request) or {})
    except (MalformedError, TypeError, ValueError) as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from error
    if not options:
        options = {name: request.query[name] for name in ("propagationPolicy",) if name in request.query}
        if "gracePeriodSeconds" in request.query:
            options["gracePeriodSeconds"] = int(request.query["gracePeriodSeconds"])
    check_delete_options(options)
    return options


def _revision(text: str) -> int | None:
    """The version after which a watch begins; None: with what is there."""
    if text in ("", "0"):
        return None
    if not text.isdecimal():
        raise internal(
            f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        )
    return int(text)


def _not_allowed() -> ApiError:
    return ApiError(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {}
    )
