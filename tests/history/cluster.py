"""Three nodes over a pair of PostgreSQL servers, each with ways of its own to both of them."""

from history.nodes import Node
from history.pair import DATABASE, USER
from support.database import Elsewhere

NAMES = ("one", "two", "three")
URL = "postgresql://{user}@{hosts}/{database}?target_session_attrs=read-write&connect_timeout=2"
FREE = (f"\\connect {DATABASE}\n"
        "UPDATE headgate.jobs SET lease_until_ms = 0 WHERE ctid IN (SELECT ctid FROM headgate.jobs"
        " WHERE kind = 'flow-run' FOR UPDATE SKIP LOCKED);")


def url(ways):
    """Both members of the pair; whichever takes writes is meant."""
    hosts = ",".join(f"127.0.0.1:{way.port}" for way in ways)
    return URL.format(user=USER, hosts=hosts, database=DATABASE)


class Cluster:
    def __init__(self, servers, ways, pair, keyring, options, env=None):
        self.pair = pair
        self.ways = {name: [ways.to(each.port) for each in pair.members] for name in NAMES}
        for at, member in enumerate(pair.members):
            member.ways = [each[at] for each in self.ways.values()]
        self.nodes = []
        for name in NAMES:
            server = servers(*options, env=env, start=False, make_key=False)
            # By ways of its own to both members of the pair, whose files are searched apart.
            server.database = Elsewhere("--store", url(self.ways[name]), "--keyring", keyring)
            self.nodes.append(Node(name, server))
        self.key = self.nodes[0].server.make_key("AKIAHEADGATETEST0001", "test-key")
        for node in self.nodes:
            node.server.key = self.key
            node.start()

    def free_runs(self):
        """As if the time of their leases had passed: other nodes take runs, also those that a node
        works on, but not those that are being written just now."""
        self.pair.primary.sql(FREE)
