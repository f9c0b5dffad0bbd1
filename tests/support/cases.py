"""Case files: the exact bytes that a client sends, that the vendor must get and answers, and that
the client must get back. tests/README.md describes the format."""

import base64
import difflib
import hmac
import re

from support import vendor, vendor_database, wire
from support.server import headgate

PLACEHOLDER = re.compile(r"%([A-Z][A-Z0-9-]*)((?: [a-z0-9][a-z0-9-]*)*)%")

# What differs from run to run, as it may look in what comes back.
PATTERNS = {
    "TIMED-UUID": r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "UUID": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "DATE": r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT",
    "EPOCH": r"\d{10}\.\d{3}",
    "MS": r"\d{13}",
    "SUFFIX": r"[A-Za-z0-9]{6}",
    "VERSION": r"\d+\.\d+\.\d+",
    "LENGTH": r"\d+",
    "AMZ-TIME": r"\d{8}T\d{6}Z",
    "DAY": r"\d{8}",
    "HEX": r"[0-9a-f]{64}",
    "ISO": r"(?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)",
    "HMAC": r"(?P<hmac>[A-Za-z0-9+/]{43}=)",
    "BOUNDARY": r"[A-Za-z0-9_-]+",
}


# What a section may be; a name may follow.
HEADINGS = ("server", "request", "raw request", "response", "vendor gets", "vendor answers",
            "vendor breaks off", "vendor resets", "vendor is silent", "database gets",
            "database answers", "database resets", "database is silent")


class Section:
    def __init__(self, text, line):
        self.heading = max((each for each in HEADINGS if f"{text} ".startswith(each + " ")),
                           key=len, default=text)
        self.name = text[len(self.heading):].strip()
        self.line = line
        self.lines = []


def recall(sections):
    """A section with a name and nothing in it stands for the one before that has both."""
    written = {}
    for section in sections:
        key = section.heading, section.name
        if section.name and section.lines:
            written[key] = section.lines
        elif section.name:
            assert key in written, f"line {section.line}: nothing before is named {section.name}"
            section.lines = written[key]


def parse(text):
    """The sections of a case file. What stands before the first says what the case shows."""
    sections = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("== "):
            sections.append(Section(line[3:].strip(), number))
        elif sections:
            sections[-1].lines.append(line)
    for section in sections:
        while section.lines and not section.lines[-1]:
            section.lines.pop()
    recall(sections)
    return sections


class Case:
    """One case file at work on a server, a vendor and a database."""

    def __init__(self, server, vendor, database, canaries):
        self.server = server
        self.vendor = vendor
        self.database = database
        self.canaries = canaries
        self.requests = 0             # how many there were
        self.last = {}                # secret that was fresh last, by name
        self.expected_at_vendor = []  # (line in the file, pattern) of the step at work

    def fixed(self, match):
        """A placeholder whose value is known beforehand, or None."""
        name, words = match.group(1), match.group(2).split()
        if name == "HOST":
            return self.server.authority
        if name == "VENDOR":
            return self.vendor.authority
        if name == "VENDOR-PORT":
            return self.vendor.authority.rsplit(":", 1)[1]
        if name == "DATABASE-PORT":
            return str(self.database.port)
        if name == "MD5":
            return vendor_database.md5_password(*map(self.canaries.new, words[:2]), words[2])
        if name == "BYTES":
            return "x" * int(words[0])
        if name == "SECRET":
            return self.canaries.new(words[0])
        if name == "FRESH":
            self.last[words[0]] = self.canaries.new(f"{words[0]} {self.requests}")
            return self.last[words[0]]
        if name == "LAST":
            return self.last[words[0]]
        if name == "BASIC":
            pair = ":".join(self.canaries.new(word) for word in words)
            text = base64.b64encode(pair.encode()).decode()
            return text
        return None

    def fill(self, text):
        return PLACEHOLDER.sub(lambda match: self.fixed(match) or match.group(0), text)

    def pattern(self, text):
        """What is expected, as a pattern for the whole of what came."""
        pieces, at = [], 0
        for match in PLACEHOLDER.finditer(text):
            pieces.append(re.escape(text[at:match.start()]))
            fixed = self.fixed(match)
            pieces.append(re.escape(fixed) if fixed else PATTERNS[match.group(1)])
            at = match.end()
        pieces.append(re.escape(text[at:]))
        whole = "".join(pieces).replace("\\\n", "\n")
        return re.sub(r"\n\\\.\\\.\\\.(\n|$)", r"\n[\\s\\S]*", whole)

    def assert_bytes(self, section, raw, what):
        lines = list(section.lines)
        if "" not in lines and lines[-1] != "...":
            lines += ["", ""]  # a head with nothing after it
        expected = "\n".join(lines)
        got = raw.decode("utf-8", "replace").replace("\r\n", "\n")
        match = re.fullmatch(self.pattern(expected), got)
        if match:
            self.assert_signature(expected, match)
            return
        got = got.split("\n")
        # A line that matches is shown as it came, so that only the others stand out.
        for at, line in enumerate(lines[:len(got)]):
            lines[at] = got[at] if re.fullmatch(self.pattern(line), got[at]) else self.fill(line)
        shown = "\n".join(difflib.unified_diff(lines, got, "expected", "got", lineterm=""))
        raise AssertionError(f"line {section.line}, {what}:\n{shown}")

    def assert_signature(self, expected, match):
        """%HMAC secret% stands for a signature: of date, method and target in small letters."""
        named = re.search(r"%HMAC ([a-z][a-z0-9-]*)%", expected)
        if not named:
            return
        secret = self.canaries.new(named.group(1)).encode()
        method, target = match.group(0).split(" ", 2)[:2]
        signed = (match.group("iso") + method + target).lower().encode()
        right = base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()
        assert match.group("hmac") == right, f"signed {signed}: {right}"

    def message(self, section, signed):
        """The bytes that a section stands for, with Content-Length when it names none."""
        lines = [self.fill(line) for line in section.lines]
        empty = lines.index("") if "" in lines else len(lines)
        head, body = lines[:empty], "\n".join(lines[empty + 1:]).encode()
        headers = [tuple(line.split(": ", 1)) for line in head[1:]]
        if signed:
            method, target = head[0].split(" ")
            return wire.signed_request(self.server, method, target, body, headers)
        if not any(name.lower() == "content-length" for name, _ in headers):
            headers.append(("Content-Length", str(len(body))))
        return "\r\n".join([head[0]] + [f"{n}: {v}" for n, v in headers]).encode() + \
            b"\r\n\r\n" + body

    def raw(self, section):
        """Lines as they stand, each ended by CR LF."""
        return "\r\n".join(self.fill(line) for line in section.lines).encode() + b"\r\n\r\n"

    def check(self, peer, expected, compare, answer):
        """What the vendor or the database got since the last response."""
        got, peer.requests[:] = list(peer.requests), []
        for section, request in zip(expected, got):
            compare(section, request.raw, f"the {peer.name} got")
        assert len(got) == len(expected), \
            f"the {peer.name} got {len(got)} times: {[request.raw[:200] for request in got]}, " \
            f"and the client: {answer.raw.decode()}"
        assert not peer.script, f"never asked for: {list(peer.script)}"

    def assert_messages(self, section, raw, what):
        expected = vendor_database.messages(map(self.fill, section.lines))
        assert raw == expected, f"line {section.line}, {what}: {raw}, expected: {expected}"

    def profiles(self):
        """Everything that is stored of profiles."""
        return self.server.query("SELECT * FROM profiles ORDER BY account, region, name")

    def set_up(self, section):
        """Starts the server with what a section says, beside what was said before."""
        self.server.stop()
        for words in [self.fill(line).split() for line in section.lines if line]:
            if words[0] == "oauth-app":
                headgate("oauth-app", "set", *self.server.place, "--connector", words[1],
                         "--client-id", words[2],
                         input=(self.canaries.new(words[3]) + "\n").encode())
            elif words[0] == "env":
                self.server.env[words[1]] = words[2]
            else:
                self.server.options += words
        self.server.start()

    def foresee(self, section):
        """What the vendor or the database does with the next request."""
        if section.heading == "database answers":
            return vendor_database.messages(map(self.fill, section.lines))
        if section.heading == "vendor answers":
            return self.message(section, signed=False)
        if section.heading == "vendor breaks off":
            return vendor.breaking_off(self.message(section, signed=False))
        return vendor.reset if section.heading.endswith(" resets") else vendor.silence

    def run(self, sections):
        request, at_vendor, at_database = None, [], []
        if sections[0].heading != "server":
            self.server.start()
        for section in sections:
            if section.heading == "server":
                self.set_up(section)
            elif section.heading in ("request", "raw request"):
                assert not request, f"line {section.line}: nothing answers the request before it"
                self.requests += 1
                request = self.message(section, signed=True) if section.heading == "request" \
                    else self.raw(section)
            elif section.heading == "vendor gets":
                at_vendor.append(section)
            elif section.heading == "database gets":
                at_database.append(section)
            elif section.heading in HEADINGS and section.heading.startswith("vendor "):
                self.vendor.script.append(self.foresee(section))
            elif section.heading in HEADINGS and section.heading.startswith("database "):
                self.database.script.append(self.foresee(section))
            elif section.heading == "response":
                assert request, f"line {section.line}: there is no request before it"
                before = self.profiles()
                with wire.Connection(self.server.host, self.server.port) as connection:
                    answer = connection.exchange(request)
                self.server.answers.append(answer.raw)
                self.check(self.vendor, at_vendor, self.assert_bytes, answer)
                self.check(self.database, at_database, self.assert_messages, answer)
                self.assert_bytes(section, answer.raw, "the client got")
                assert answer.status == 200 or self.profiles() == before, \
                    f"line {section.line}: what was refused changed a profile"
                request, at_vendor, at_database = None, [], []
            else:
                raise AssertionError(f"line {section.line}: no section is named {section.heading}")
        assert sections[-1].heading == "response", "what comes last is not looked at"
