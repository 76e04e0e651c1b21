"""The proxy to Services and Pods: a request to the API becomes a request to a pod."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping

import aiohttp
from aiohttp import web
from yarl import URL

from lab.kubernetes.embedded.errors import ApiError, bad_request, not_found
from lab.kubernetes.embedded.kinds import Kind
from lab.kubernetes.embedded.objects import Object, dig
from lab.kubernetes.embedded.store import Store

_ENDPOINTS = ("", "endpoints")
_SLICES = ("discovery.k8s.io", "endpointslices")
_OWNER = "kubernetes.io/service-name"
#: Headers of one connection, which say nothing about the next one.
_HOP_BY_HOP = {
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}


def target(store: Store, kind: Kind, namespace: str, text: str) -> str:
    """The base URL behind "[scheme:]name[:port]"; ApiError when there is none."""
    scheme, name, port = _split(kind, text)
    found = store.get(kind.place, namespace, name)
    if kind.name == "Pod":
        if found is None:
            raise not_found(kind, name)
        return f"{scheme}://{_pod_address(kind, found, port)}"
    if port.isdigit():
        if found is None:
            raise not_found(kind, name)
        port = _port_name(found, int(port))
    choices = _endpoints(store, namespace, name)
    addresses = [address for port_name, address in choices if port_name == port]
    if not addresses:
        # The real server names what was asked for, unless no pod is ready at all.
        raise _unavailable(f'no endpoints available for service "{text if choices else name}"')
    return f"{scheme}://{random.choice(addresses)}"


async def forward(client: aiohttp.ClientSession, request: web.Request, base: str) -> web.Response:
    """Send the request on, and its answer back; ApiError 503 when nobody answers there."""
    # Path and query are passed as they came: what is quoted in them stays quoted.
    path = request.rel_url.raw_path.partition("/proxy")[2].removeprefix("/")
    query = request.rel_url.raw_query_string
    url = URL(f"{base}/{path}{'?' if query else ''}{query}", encoded=True)
    headers = _passed(request.headers)
    body = await request.read()
    try:
        async with client.request(
            request.method, url, data=body or None, headers=headers, allow_redirects=False, ssl=False
        ) as answer:
            content = await answer.read()
            return web.Response(status=answer.status, body=content, headers=_passed(answer.headers))
    except aiohttp.ClientConnectorError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        why = f"dial tcp {error.host}:{error.port}: connect: {reason.lower()}"
        raise _unavailable(f"error trying to reach service: {why}") from error
    except aiohttp.ClientError as error:
        raise _unavailable(f"error trying to reach service: {error}") from error


def _split(kind: Kind, text: str) -> tuple[str, str, str]:
    parts = text.split(":")
    if len(parts) == 3 and parts[0] in ("", "http", "https"):
        return parts[0] or "http", parts[1], parts[2]
    if len(parts) == 2 and parts[0] not in ("http", "https"):
        return "http", parts[0], parts[1]
    if len(parts) == 1:
        return "http", parts[0], ""
    raise bad_request(f'invalid {kind.singular} request "{text}"')


def _pod_address(kind: Kind, pod: Object, port: str) -> str:
    address = dig(pod, "status", "podIP")
    if not address:
        raise bad_request("address not allowed")
    if not port:
        ports = [item["containerPort"] for box in pod["spec"]["containers"] for item in box.get("ports", [])]
        port = str(ports[0]) if ports else "80"
    return f"{address}:{port}"


def _port_name(service: Object, number: int) -> str:
    for port in service["spec"].get("ports", []):
        if port["port"] == number:
            return str(port.get("name", ""))
    name = service["metadata"]["name"]
    raise _unavailable(f'no service port {number} found for service "{name}"')


def _endpoints(store: Store, namespace: str, name: str) -> list[tuple[str, str]]:
    """Port name and address of all that is ready."""
    known = store.get(_ENDPOINTS, namespace, name)
    if known is not None:
        return [
            (port.get("name", ""), f"{address['ip']}:{port['port']}")
            for subset in known.get("subsets", [])
            for address in subset.get("addresses", [])
            for port in subset.get("ports", [])
        ]
    slices = [
        item
        for item in store.find(_SLICES, namespace)
        if item["metadata"].get("labels", {}).get(_OWNER) == name
    ]
    return [found for item in slices for found in _slice_endpoints(item)]


def _slice_endpoints(item: Object) -> list[tuple[str, str]]:
    return [
        (port.get("name", ""), f"{endpoint['addresses'][0]}:{port['port']}")
        for endpoint in item.get("endpoints", [])
        if endpoint.get("conditions", {}).get("ready", True)
        for port in item.get("ports", [])
    ]


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}


def _unavailable(message: str) -> ApiError:
    return ApiError(503, "ServiceUnavailable", message)
