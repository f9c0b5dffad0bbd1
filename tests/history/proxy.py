"""A way from a node to its database that can be cut, slowed down and stopped up. What is on its way
when it is stopped up arrives late, after whoever sent it may have given up."""

import asyncio
import contextlib
import threading

CHUNK = 65536
HOST = "127.0.0.1"


class Way:
    """Listens on a port of its own and leads to another. Any thread may call its methods."""

    def __init__(self, ways, target):
        self.ways = ways
        self.target = target
        self.delay_s = 0
        self.passable = asyncio.Event()
        self.passable.set()
        self.writers = set()
        self.port = 0  # until it has one
        self.server = None

    async def _open(self):
        self.server = await asyncio.start_server(self._connected, HOST, self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _shut(self):
        self.server.close()

    async def _cut(self):
        for each in list(self.writers):
            each.transport.abort()

    async def _connected(self, reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, far_writer}
        self.writers |= pair
        try:
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        except (OSError, asyncio.CancelledError):
            pass  # an end like any other
        finally:
            self.writers -= pair
            for each in pair:
                each.transport.abort()

    async def _pump(self, reader, writer):
        while data := await reader.read(CHUNK):
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            await self.passable.wait()
            writer.write(data)
            await writer.drain()
        # The other direction may have something on its way.
        with contextlib.suppress(OSError):
            writer.write_eof()

    def _do(self, function):
        self.ways.loop.call_soon_threadsafe(function)

    def open(self):
        """Listens, on the same port each time."""
        self.ways.run(self._open())
        return self

    def shut(self):
        """Refuses new connections, as a machine does whose server is gone."""
        self.ways.run(self._shut())

    def cut(self):
        """Resets every connection that there is; new ones are let through."""
        self.ways.run(self._cut())

    def slow_down(self, delay_s):
        """What goes either way takes so much longer. 0: no longer."""
        self.delay_s = delay_s

    def stop_up(self):
        self._do(self.passable.clear)

    def clear(self):
        self._do(self.passable.set)


class Ways:
    """The loop that all of them run on, in a thread of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.run(self._end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def _end(self):
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def to(self, port):
        """A new way to a port of this machine."""
        return Way(self, port).open()
