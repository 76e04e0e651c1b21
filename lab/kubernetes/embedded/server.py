"""The HTTP side: who asks, for what, and the answer."""

from __future__ import annotations

from collections.abc import Callable

import aiohttp
from aiohttp import web

from lab.kubernetes.embedded import discovery
from lab.kubernetes.embedded.audit import Audit, Request
from lab.kubernetes.embedded.errors import ApiError, NoSuchGroupError, unauthorized
from lab.kubernetes.embedded.handlers import WARNINGS, Handlers, json_response
from lab.kubernetes.embedded.kinds import Kinds
from lab.kubernetes.embedded.objects import Json
from lab.kubernetes.embedded.requests import (
    Target,
    check_accepted,
    is_dry_run,
    target_of,
    verb_of,
    wants_watch,
)
from lab.kubernetes.embedded.store import Store
from lab.kubernetes.embedded.tokens import Tokens
from lab.kubernetes.embedded.verbs import Verbs

_HEALTH = ("/healthz", "/livez", "/readyz")
_OPEN_PATHS = (*_HEALTH, "/version")
_LARGEST_BODY = 3 * 1024 * 1024


class Server:
    """Knows users, paths and the audit log; what concerns objects is the handlers' business."""

    def __init__(self, store: Store, kinds: Kinds, verbs: Verbs, tokens: Tokens, audit: Audit) -> None:
        self._kinds = kinds
        self._tokens = tokens
        self._audit = audit
        # Made inside the event loop, as aiohttp wants it.
        self._client = aiohttp.ClientSession()
        self._handlers = Handlers(store, verbs, tokens, self._client)
        self.application = web.Application(client_max_size=_LARGEST_BODY)
        self.application.router.add_route("*", "/{path:.*}", self._answer)
        self.application.on_cleanup.append(self._close)

    async def _close(self, _application: web.Application) -> None:
        await self._client.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        user = self._tokens.user_of(request.headers.get("Authorization", ""))
        target: Target | None = None
        warnings: list[str] = []
        request[WARNINGS] = warnings
        response: web.StreamResponse
        try:
            if user is None and not request.path.startswith(_OPEN_PATHS):
                raise unauthorized()
            target = self._target(request)
            if target is not None and target.subresource != "proxy":
                check_accepted(request)
            if target is not None and target.kind.warning:
                warnings.append(target.kind.warning)
            if target is None:
                response = self._described(request)
            elif request.method == "GET" and not target.name and wants_watch(request):
                # Recorded when it begins: it may last as long as the server.
                self._audit.record(_entry(user, request, target), 200, ())
                return await self._handlers.watch(request, target)
            else:
                response = await self._handlers.choose(request, target)(request, target)
        except ApiError as error:
            response = json_response(error.status, error.code)
        except NoSuchGroupError:
            response = web.Response(text="404 page not found\n", status=404)
        for warning in dict.fromkeys(warnings):
            quoted = warning.replace("\\", "\\\\").replace('"', '\\"')
            response.headers.add("Warning", f'299 - "{quoted}"')
        self._audit.record(_entry(user, request, target), response.status, warnings)
        return response

    def _target(self, request: web.Request) -> Target | None:
        """The object or collection that the path is about, if it is about any."""
        parts = _parts(request)
        depth = {"api": 2, "apis": 3}.get(parts[0] if parts else "", len(parts))
        return target_of(self._kinds, parts) if len(parts) > depth else None

    def _described(self, request: web.Request) -> web.Response:
        """Everything that is not about objects."""
        if request.path.startswith(_HEALTH):
            return web.Response(text="ok")
        parts = _parts(request)
        plain: dict[str, Callable[[], Json]] = {
            "version": lambda: discovery.VERSION,
            "api": lambda: discovery.api_versions(request.host),
            "apis": lambda: discovery.group_list(self._kinds),
            "openapi/v3": lambda: discovery.openapi_index(self._kinds),
            "openid/v1/jwks": lambda: self._tokens.key_set,
            ".well-known/openid-configuration": lambda: self._tokens.configuration,
        }
        path = "/".join(parts)
        if path in plain:
            return json_response(plain[path]())
        if parts[:2] == ["openapi", "v3"]:
            return json_response(discovery.openapi(self._kinds, "/".join(parts[2:])))
        if parts[:1] == ["apis"] and len(parts) == 2:
            return json_response(discovery.group(self._kinds, parts[1]))
        if parts[:1] in (["api"], ["apis"]):
            group = "" if parts[0] == "api" else parts[1]
            return json_response(discovery.resource_list(self._kinds, group, parts[-1]))
        raise NoSuchGroupError


def _parts(request: web.Request) -> list[str]:
    return [part for part in request.path.split("/") if part]


def _entry(user: str | None, request: web.Request, target: Target | None) -> Request:
    name = user or "system:anonymous"
    if target is None:
        return Request(name, request.method.lower(), "", "", "", request.path, False)
    return Request(
        name,
        verb_of(request.method, target, watch=wants_watch(request)),
        target.kind.resource,
        target.subresource,
        target.namespace,
        target.name,
        is_dry_run(request),
    )
