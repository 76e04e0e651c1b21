"""What is done with objects and collections: one method for each kind of request."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial

import aiohttp
from aiohttp import web

from lab.kubernetes.embedded import proxy
from lab.kubernetes.embedded.call import Call
from lab.kubernetes.embedded.errors import ApiError
from lab.kubernetes.embedded.objects import Json, Object, clone
from lab.kubernetes.embedded.patches import json_patch, merge_patch, strategic_patch
from lab.kubernetes.embedded.requests import (
    APPLY,
    JSON_PATCH,
    MERGE_PATCH,
    STRATEGIC_PATCH,
    Target,
    body_of,
    call_of,
    unsupported_media,
)
from lab.kubernetes.embedded.scale import scale_of, scaled
from lab.kubernetes.embedded.schema import Schema
from lab.kubernetes.embedded.selectors import selection
from lab.kubernetes.embedded.store import Store
from lab.kubernetes.embedded.tokens import Tokens
from lab.kubernetes.embedded.verbs import Verbs
from lab.kubernetes.embedded.watching import Wish, events

#: Where a request keeps the warnings of its answer.
WARNINGS = web.RequestKey("warnings", list[str])
#: Kinds whose deletion answers with the object instead of a Status.
_SHOWN_WHEN_DELETED = {"Namespace", "Pod", "Service", "ServiceAccount"}
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
        if handler is None or homeless:
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
        return json_response(
            {"kind": kind.list_name, "apiVersion": kind.api_version, "metadata": metadata, "items": items}
        )

    async def watch(self, request: web.Request, target: Target) -> web.StreamResponse:
        query = request.query
        revision = query.get("resourceVersion", "")
        initial = query.get("sendInitialEvents") == "true"
        wish = Wish(
            target.kind,
            target.namespace,
            selection(target.kind, query.get("labelSelector", ""), query.get("fieldSelector", "")),
            int(revision) if revision not in ("", "0") and not initial else None,
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
        call = _noted(request, call_of(request, target))
        return _object(target, self._verbs.create(call, await body_of(request)), 201)

    async def _update(self, request: web.Request, target: Target) -> web.Response:
        call = _noted(request, call_of(request, target))
        return _object(target, self._verbs.update(call, await body_of(request)))

    async def _patch(self, request: web.Request, target: Target) -> web.Response:
        media, custom = request.content_type, target.kind.custom
        changes: dict[str, Change] = {JSON_PATCH: _json_patched, MERGE_PATCH: _merge_patched}
        if not custom:
            changes[STRATEGIC_PATCH] = _strategic_patched
        if media != APPLY and media not in changes:
            raise unsupported_media(", ".join([*changes, APPLY]))
        call = _noted(request, call_of(request, target))
        document = await body_of(request)
        if media == APPLY:
            force = request.query.get("force", "").lower() in ("1", "true")
            manager = request.query.get("fieldManager", "")
            item, created = self._verbs.apply(call, document, manager=manager, force=force)
            return _object(target, item, 201 if created else 200)
        shown = (await request.read()).decode()
        return _object(target, self._verbs.patch(call, partial(changes[media], document), shown))

    async def _delete(self, request: web.Request, target: Target) -> web.Response:
        call, options = call_of(request, target), await _delete_options(request)
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
        call = _noted(request, call_of(request, target))
        present = self._verbs.get(call)
        if request.method == "GET":
            return json_response(scale_of(target.kind, present))
        document = await body_of(request)
        if request.method == "PATCH":
            change = json_patch if request.content_type == JSON_PATCH else merge_patch
            document = change(scale_of(target.kind, present), document)
        elif request.method != "PUT":
            raise _not_allowed()
        changed = self._verbs.patch(call, lambda _, item: scaled(target.kind, item, document), "")
        return json_response(scale_of(target.kind, changed))

    async def _token(self, request: web.Request, target: Target) -> web.Response:
        if request.method != "POST":
            raise _not_allowed()
        document = await body_of(request) or {}
        return json_response(self._tokens.request(target.kind, target.namespace, target.name, document), 201)

    async def _binding(self, request: web.Request, target: Target) -> web.Response:
        """Put a pod on a node, as the scheduler does."""
        if request.method != "POST":
            raise _not_allowed()
        document = await body_of(request) or {}
        self._verbs.bind(call_of(request, target), document.get("target", {}).get("name", ""))
        return json_response({**_SUCCESS, "code": 201}, 201)

    async def _proxy(self, request: web.Request, target: Target) -> web.Response:
        base = proxy.target(self._store, target.kind, target.namespace, target.name)
        return await proxy.forward(self._client, request, base)


def json_response(document: Json, status: int = 200) -> web.Response:
    """An answer in JSON."""
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return web.Response(body=body, status=status, content_type="application/json")


def _object(target: Target, item: Object, status: int = 200) -> web.Response:
    return json_response({**item, "apiVersion": target.kind.api_version}, status)


def _untyped(item: Object) -> Object:
    """An item of a list of a built-in kind: the list says what it is."""
    return {name: value for name, value in item.items() if name not in ("apiVersion", "kind")}


def _noted(request: web.Request, call: Call) -> Call:
    call.warnings = request[WARNINGS]
    return call


def _json_patched(document: Json, _schema: Schema, item: Object) -> Json:
    return json_patch(item, document)


def _merge_patched(document: Json, _schema: Schema, item: Object) -> Json:
    return merge_patch(item, document)


def _strategic_patched(document: Json, schema: Schema, item: Object) -> Json:
    return strategic_patch(schema, item, document)


async def _delete_options(request: web.Request) -> Object:
    options: Object = dict(await body_of(request) or {})
    if "propagationPolicy" in request.query:
        options["propagationPolicy"] = request.query["propagationPolicy"]
    if "gracePeriodSeconds" in request.query:
        options["gracePeriodSeconds"] = int(request.query["gracePeriodSeconds"])
    return options


def _not_allowed() -> ApiError:
    return ApiError(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {}
    )
