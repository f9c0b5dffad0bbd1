"""Snowflake's protocol by fakesnow, which is not ours: a server on a loopback port. Prints its port
and then, for each line on standard input, how many sessions are open."""

import importlib
import sys

import fakesnow

# The server writes its log there, too.
answers, sys.stdout = sys.stdout, sys.stderr

# A function has the name of the module that it uses.
serve = fakesnow.server
sessions = importlib.import_module("fakesnow.server").sessions

with serve() as at:
    print(at["port"], file=answers, flush=True)
    for _ in sys.stdin:
        print(len(sessions), file=answers, flush=True)
