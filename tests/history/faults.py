"""What goes wrong while clients are at work, in an order that a seed decides. Each fault is over,
and all is well again, when its function returns."""

import random
import signal
import time

MOST_S = 2.0  # a fault lasts until some updates were acknowledged beside it, or so long
DELAYS_S = (0.002, 0.02, 0.1)


class Faults:
    """`ways` are each node's ways to the members of the pair."""

    def __init__(self, load, pair, nodes, ways, seed):
        self.load = load
        self.pair = pair
        self.nodes = nodes
        self.ways = ways
        self.random = random.Random(f"faults {seed}")
        self.kinds = [self.node_killed, self.node_paused, self.ways_cut, self.ways_slowed,
                      self.ways_stopped_up, self.primary_killed, self.primary_restarted,
                      self.standby_gone, self.primary_and_node_killed,
                      self.standby_held_back, self.primary_killed_ahead]
        self.left = []
        self.happened = []
        self.lets_in = self.random.random() < 0.5  # the member that is killed next, see kill()
        self.let_in = 0  # how many did

    def one(self):
        """The next one: every kind before any comes again."""
        if not self.left:
            self.left = self.random.sample(self.kinds, len(self.kinds))
        kind = self.left.pop()
        self.happened.append(kind.__name__)
        began = time.monotonic()
        kind()
        print(f"  {began:.3f} to {time.monotonic():.3f}: {kind.__name__}")

    def last(self, most_updates=8):
        self.load.wait_for(self.random.randint(1, most_updates), at_most_s=MOST_S)

    def a_moment(self):
        """Not always just when an answer has come."""
        self.load.wait_for(1, at_most_s=self.random.random() * 0.05)

    def node(self):
        return self.random.choice(self.nodes)

    # --- nodes ---

    def node_killed(self):
        node = self.node()
        self.a_moment()
        node.kill()
        self.last()
        node.start()

    def node_paused(self):
        node = self.node()
        node.server.process.send_signal(signal.SIGSTOP)
        self.last()
        node.server.process.send_signal(signal.SIGCONT)

    # --- between nodes and database ---

    @staticmethod
    def cut_all(ways):
        for way in ways:
            way.cut()

    def ways_of_some(self):
        some = self.random.sample(self.nodes, self.random.randint(1, len(self.nodes)))
        return [way for node in some for way in self.ways[node.name]]

    def ways_cut(self):
        ways = self.ways_of_some()
        for _ in range(self.random.randint(1, 4)):
            self.a_moment()
            self.cut_all(ways)

    def ways_slowed(self):
        ways, delay_s = self.ways_of_some(), self.random.choice(DELAYS_S)
        for way in ways:
            way.slow_down(delay_s)
        self.last(30)
        for way in ways:
            way.slow_down(0)

    def ways_stopped_up(self):
        """What was sent arrives late; half of the time its sender is gone by then."""
        ways = self.ways_of_some()
        for way in ways:
            way.stop_up()
        self.last()
        if self.random.random() < 0.5:
            self.cut_all(ways)
        for way in ways:
            way.clear()

    # --- the database ---

    def kill(self, member):
        """Each other one does not refuse its clients then, but accepts their connections and closes
        them. It may stand first in the nodes' URL."""
        member.kill(shut=not self.lets_in)
        self.let_in += self.lets_in
        self.lets_in = not self.lets_in

    def primary_killed(self):
        self.a_moment()
        self.kill(self.pair.primary)
        self.pair.promote()
        self.pair.rebuild()

    def primary_restarted(self):
        self.a_moment()
        self.kill(self.pair.primary)
        self.pair.primary.start()
        self.pair.wait_until_followed()

    def standby_gone(self):
        """Nothing is acknowledged until it is back."""
        self.kill(self.pair.standby)
        self.last()
        self.pair.standby.start()
        self.pair.wait_until_followed()

    def standby_held_back(self):
        way = self.pair.primary.log_way
        way.stop_up()
        self.last()
        way.clear()

    def primary_killed_ahead(self):
        """What the primary committed and its standby never got is gone."""
        self.kill_primary_ahead(self.last)
        self.pair.rebuild()

    def kill_primary_ahead(self, meanwhile):
        way = self.pair.primary.log_way
        way.stop_up()
        meanwhile()
        self.kill(self.pair.primary)
        way.cut()
        way.clear()
        self.pair.promote()

    def primary_and_node_killed(self):
        node = self.node()
        self.a_moment()
        self.kill(self.pair.primary)
        node.kill()
        self.pair.promote()
        node.start()
        self.pair.rebuild()
