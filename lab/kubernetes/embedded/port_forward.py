"""Port-forward over a WebSocket, in the frames of the kubelet.

Each port has two channels, one for data and one for the word that ends it badly. The first byte of a frame is
the number of its channel, and the first frame of a channel says which port it belongs to.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
from collections.abc import Mapping

from aiohttp import WSMsgType, web

from lab.kubernetes.embedded.errors import bad_request, not_found
from lab.kubernetes.embedded.kinds import Kind
from lab.kubernetes.embedded.objects import Object, dig
from lab.kubernetes.embedded.store import Store

_PROTOCOL = "v4.channel.k8s.io"
_CHUNK = 64 * 1024


async def forward(
    request: web.Request, store: Store, kind: Kind, namespace: str, name: str
) -> web.StreamResponse:
    """Serve the connection until either side ends it; ApiError when there is no such pod."""
    pod = store.get(kind.place, namespace, name)
    if pod is None:
        raise not_found(kind, name)
    if not dig(pod, "spec", "nodeName"):
        raise bad_request(f"pod {name} does not have a host assigned")
    socket = web.WebSocketResponse(protocols=(_PROTOCOL,))
    if not socket.can_prepare(request).ok:
        raise bad_request("Upgrade request required")
    ports = _ports(request)
    await socket.prepare(request)
    try:
        await _serve(socket, pod, ports)
    finally:
        if request.transport is not None:
            # Clients leave it at the WebSocket's farewell, and TLS would wait half a minute for its own.
            request.transport.abort()
    return socket


def _ports(request: web.Request) -> list[int]:
    texts = [text for value in request.query.getall("ports", []) for text in value.split(",")]
    if not texts:
        raise bad_request('query parameter "port" is required')
    for text in texts:
        if not text.isdigit() or not 0 < int(text) < 65536:
            raise bad_request(f'unable to parse "{text}" as a port')
    return [int(text) for text in texts]


async def _serve(socket: web.WebSocketResponse, pod: Object, ports: list[int]) -> None:
    writers: dict[int, asyncio.StreamWriter] = {}
    answers = []
    async with asyncio.TaskGroup() as tasks, contextlib.AsyncExitStack() as closing:
        with contextlib.suppress(ConnectionError):
            for channel, port in zip(range(0, 2 * len(ports), 2), ports, strict=True):
                if reader := await _open(socket, pod, channel, port, writers):
                    closing.callback(writers[channel].close)
                    answers.append(tasks.create_task(_answer(socket, channel, reader)))
            tasks.create_task(_close_after(socket, answers))
            await _questions(socket, writers)


async def _open(
    socket: web.WebSocketResponse,
    pod: Object,
    channel: int,
    port: int,
    writers: dict[int, asyncio.StreamWriter],
) -> asyncio.StreamReader | None:
    """Connect to the port, or say on its second channel why that cannot be."""
    for each in (channel, channel + 1):
        await _send(socket, each, struct.pack("<H", port))
    try:
        reader, writers[channel] = await asyncio.open_connection(dig(pod, "status", "podIP"), port)
    except OSError as error:
        await _send(socket, channel + 1, _failure(pod, port, error).encode())
        return None
    return reader


async def _questions(socket: web.WebSocketResponse, writers: Mapping[int, asyncio.StreamWriter]) -> None:
    """What the client sends, until it goes or the WebSocket is closed."""
    async for message in socket:
        if message.type is WSMsgType.BINARY and message.data[:1] and message.data[0] in writers:
            writer = writers[message.data[0]]
            writer.write(message.data[1:])
            await writer.drain()


async def _answer(socket: web.WebSocketResponse, channel: int, reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            await _send(socket, channel, data)


async def _close_after(socket: web.WebSocketResponse, answers: list[asyncio.Task[None]]) -> None:
    """Close when no port has anything more to say."""
    await asyncio.gather(*answers)
    await socket.close()


async def _send(socket: web.WebSocketResponse, channel: int, data: bytes) -> None:
    await socket.send_bytes(bytes([channel]) + data)


def _failure(pod: Object, port: int, error: OSError) -> str:
    uid = pod["metadata"]["uid"]
    why = os.strerror(error.errno).lower() if error.errno else str(error)
    return (
        f"error forwarding port {port} to pod {uid}, uid : failed to execute portforward: "
        f"dial tcp4 127.0.0.1:{port}: connect: {why}"
    )
