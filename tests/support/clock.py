"""Servers whose wall clock a test sets: tests/connectors/set_clock.c is preloaded into them."""

import pathlib
import struct

from support import connectors


class Clock:
    """`environment` is a server's; its clock is off by what set() got last."""

    def __init__(self, directory):
        self.file = pathlib.Path(directory) / "clock"
        self.set(0)
        library = connectors.compiled(directory, "set_clock.c", "-shared", "-fPIC", "-ldl")
        self.environment = {"LD_PRELOAD": str(library), "HEADGATE_TEST_CLOCK": str(self.file)}

    def set(self, seconds):
        with open(self.file, "r+b" if self.file.exists() else "wb") as file:
            file.write(struct.pack("=q", int(seconds * 1000)))
