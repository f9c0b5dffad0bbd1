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
