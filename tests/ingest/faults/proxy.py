"""A TCP proxy that cuts connections in the middle of a packet."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Proxy:
    """Forwards both ways; each of the first ``cuts`` connections ends after so many bytes towards the client."""

    def __init__(self, upstream: int, cut_after: int, cuts: int) -> None:
        self._upstream, self._cut_after, self._left = upstream, cut_after, cuts
        self.done = 0
        """Connections that were cut."""
        self.port = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        limit = self._cut_after if self._left > 0 else None
        self._left -= 1
        tasks = [
            asyncio.create_task(self._pump(far_reader, writer, limit)),
            asyncio.create_task(self._pump(reader, far_writer, None)),
        ]
        _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for stream in (writer, far_writer):
            stream.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None) -> None:
        sent = 0
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                if limit is not None and sent + len(data) >= limit:
                    # an odd number of bytes: some packet is cut in two
                    writer.write(data[: limit - sent])
                    await writer.drain()
                    self.done += 1
                    return
                writer.write(data)
                await writer.drain()
                sent += len(data)

    async def _run(self, ready: threading.Event, stop: asyncio.Event) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def proxy(upstream: int, *, cut_after: int, cuts: int) -> Iterator[Proxy]:
    """A proxy in a thread of its own."""
    made, ready, loop = Proxy(upstream, cut_after, cuts), threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(made._run(ready, stop)))
    thread.start()
    ready.wait(10)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
