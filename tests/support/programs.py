"""Programs that are not on everybody's PATH, or only unpacked: see tools/deps.sh."""

import os
import pathlib
import shutil

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
UNPACKED = ROOT / "build/programs"


def folders():
    """Where to look, installed programs first."""
    yield from os.environ.get("PATH", os.defpath).split(os.pathsep)
    yield from ("/usr/sbin", "/sbin", UNPACKED / "usr/bin", UNPACKED / "usr/sbin")
    for root in (pathlib.Path("/"), UNPACKED):
        yield from sorted(root.glob("usr/lib/postgresql/*/bin"), reverse=True)


def find(name):
    """A program's path, or None."""
    return shutil.which(name, path=os.pathsep.join(str(each) for each in folders()))
