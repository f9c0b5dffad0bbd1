"""Work that a test waits for later."""

import threading

WAIT_S = 60


class Background(threading.Thread):
    """Runs `work()` on a thread of its own, from now on."""

    def __init__(self, work):
        super().__init__(daemon=True)
        self.work = work
        self.results = []
        self.start()

    def run(self):
        self.results.append(self.work())

    def result(self):
        self.join(WAIT_S)
        assert len(self.results) == 1
        return self.results[0]


class Repeated:
    """Does `step()` again and again, on a thread of its own, for the length of a `with`."""

    def __init__(self):
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.ended.is_set():
            self.step()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
