"""Secrets that can be found again: every secret of a test is a unique word, and after the test
everything that the server left behind or said is searched for it, in the forms that a careless
program would leave it in."""

import base64
import pathlib
import secrets
import urllib.parse


START_BYTES = 8
PIECE_BYTES = 64 * 1024


def forms(secret):
    """The secret as bytes: plain, base64 at each of the three offsets, percent, hex, UTF-16."""
    plain = secret.encode()
    found = {plain, plain.hex().encode(), plain.hex().upper().encode(),
             secret.encode("utf-16-le"), secret.encode("utf-16-be"), plain[::-1],
             urllib.parse.quote(secret, safe="").encode(),
             "".join(f"%{byte:02X}" for byte in plain).encode(),
             "".join(f"%{byte:02x}" for byte in plain).encode()}
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * offset + plain)
            # The characters at both ends also hold bits of the neighbours.
            inner = text[4 if offset else 0:len(text) - 4]
            if len(inner) >= 8:
                found.add(inner)
    return found


def files_below(path):
    path = pathlib.Path(path)
    return sorted(each for each in path.rglob("*") if each.is_file())


def content(path):
    """What a file holds, with one zero for each piece that is all zeros: no form of a secret has
    such a run, and the search of a file whose space is reserved would be most of a test's time."""
    zeros = bytes(PIECE_BYTES)
    with open(path, "rb") as file:
        pieces = iter(lambda: file.read(PIECE_BYTES), b"")
        return b"".join(b"\0" if piece == zeros[:len(piece)] else piece for piece in pieces)


class Canaries:
    """The secrets of one test."""

    def __init__(self):
        self.secrets = {}
        self.by_start = {}
        self.known = 0  # how many secrets by_start holds the forms of

    def new(self, name="secret"):
        """A fresh secret; the same name gives the same one again."""
        if name not in self.secrets:
            self.secrets[name] = "canary" + secrets.token_hex(16)
        return self.secrets[name]

    def add(self, secret):
        """Watches for a secret that came from elsewhere, such as the sandbox's list."""
        self.secrets[secret] = secret
        return secret

    def add_credentials(self, config):
        """Watches for every secret inside a connectorProfileConfig."""
        for name, value in walk(config.get("connectorProfileCredentials", {})):
            if name not in NOT_SECRET and len(value) >= 8:
                self.add(value)

    def forms_by_start(self):
        """(form, name) pairs by how a form begins: many secrets begin alike, so that most can be
        told absent at once."""
        for name, secret in list(self.secrets.items())[self.known:]:
            for form in forms(secret):
                self.by_start.setdefault(form[:START_BYTES], []).append((form, name))
        self.known = len(self.secrets)
        return self.by_start

    def find(self, data):
        """Names of the secrets that are in the data."""
        return sorted({name for start, members in self.forms_by_start().items() if start in data
                       for form, name in members if form in data})

    def assert_absent(self, places):
        """`places` is pairs of a name and bytes."""
        found = [(where, name) for where, data in places for name in self.find(data)]
        assert not found, f"secrets where none may be: {found}"


NOT_SECRET = {"clientId", "redirectUri", "oAuth2GrantType", "clientCredentialsArn", "username",
              "customAuthenticationType"}


def walk(value, name=""):
    """Every text in a JSON value, with the member's name."""
    if isinstance(value, dict):
        for member, item in value.items():
            yield from walk(item, member)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item, name)
    elif isinstance(value, str):
        yield name, value
