"""Snowflake's protocol by fakesnow, which is not ours: a server on a loopback port. Prints its port
and then, for each line on standard input, how many sessions are open. Its argument, if there is
one: the database in which users' sessions are unless they say another, as Snowflake's
DEFAULT_NAMESPACE; fakesnow loads nothing in a session without one."""

import importlib
import sys

import fakesnow

# The server writes its log there, too.
answers, sys.stdout = sys.stdout, sys.stderr

# A function has the name of the module that it uses.
serve = fakesnow.server
server = importlib.import_module("fakesnow.server")
sessions = server.sessions

if len(sys.argv) > 1:
    connect = server.shared_fs.connect
    server.shared_fs.connect = \
        lambda database, *words, **more: connect(database or sys.argv[1], *words, **more)

with serve() as at:
    print(at["port"], file=answers, flush=True)
    for _ in sys.stdin:
        print(len(sessions), file=answers, flush=True)
