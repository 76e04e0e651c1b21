"""Listeners that pass connections on to where the server really is."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

_CHUNK = 65536

Address = tuple[str, int]
#: Whether the client at an address may go on. It is asked in a thread, as it may take its time.
Admits = Callable[[Address], bool]


@dataclass(eq=False)
class Door:
    """One listener, where it leads, and who is inside."""

    there: Address
    admits: Admits | None
    inside: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)
    server: asyncio.Server | None = None

    async def admit(self, writer: asyncio.StreamWriter) -> bool:
        """Whether a client may stay."""
        return self.admits is None or await asyncio.to_thread(
            self.admits, writer.get_extra_info("peername")[:2]
        )


class Relay:
    """Passes on the connections of all its doors, in one thread."""

    def __init__(self) -> None:
        self._doors: set[Door] = set()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="relay", daemon=True).start()

    def open(self, listener: socket.socket, there: Address, admits: Admits | None = None) -> Door:
        """Serve `listener` by connections to `there`. Who is not admitted gets no answer."""
        listener.setblocking(False)
        door = Door(there, admits)
        return asyncio.run_coroutine_threadsafe(self._open(door, listener), self._loop).result()

    def close(self, door: Door) -> None:
        """Listen no longer, and end what is open."""
        asyncio.run_coroutine_threadsafe(self._close(door), self._loop).result()

    def review(self) -> None:
        """End the connections of those who are not admitted any more."""
        asyncio.run_coroutine_threadsafe(self._review(), self._loop).result()

    async def _open(self, door: Door, listener: socket.socket) -> Door:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _serve(door, reader, writer)

        door.server = await asyncio.start_server(serve, sock=listener)
        self._doors.add(door)
        return door

    async def _close(self, door: Door) -> None:
        self._doors.discard(door)
        if door.server:
            door.server.close()
        for writer in list(door.inside.values()):
            writer.transport.abort()

    async def _review(self) -> None:
        for door in list(self._doors):
            for writer in list(door.inside.values()):
                if not await door.admit(writer):
                    writer.transport.abort()


async def _serve(door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # Nobody else holds the task once the client has gone, and it may still wait for the server.
    task = asyncio.current_task()
    assert task
    door.inside[task] = writer
    try:
        # Where nobody listens there, the client sees its connection end.
        with contextlib.suppress(OSError):
            if await door.admit(writer):
                there_reader, there_writer = await asyncio.open_connection(*door.there)
                await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))
                there_writer.close()
            else:
                await _ignore(reader)
    finally:
        del door.inside[task]
        writer.close()


async def _ignore(reader: asyncio.StreamReader) -> None:
    """As if nothing had arrived, until the client gives up."""
    while await reader.read(_CHUNK):
        continue


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, and its end, which may come in one direction first."""
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.close()
