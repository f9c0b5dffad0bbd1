"""The kinds of profiles that clients make: how each carries a value that Describe shows, and the
credentials that its vendor takes, or does not take."""

import dataclasses
import typing

from history.register import address
from history.vendor import REDIRECT

# A profile that needs no secret of a test: the sandbox's database, reached in clear on loopback.
URL = "jdbc:redshift://{host}:{port}/dev?ssl=false"
ROLE = "arn:aws:iam::123456789012:role/sandbox-redshift-s3"

PLAIN = "p"               # a password; an address that it goes to
CODE = "code"             # an authorization code, which works once
PRIVATE = "private"       # made in the background
PRIVATE_CODE = "private-code"
NAMES = [f"{kind}{number}" for kind, count in
         ((PLAIN, 12), (CODE, 2), (PRIVATE, 2), (PRIVATE_CODE, 2)) for number in range(count)]


@dataclasses.dataclass(frozen=True)
class Kind:
    type: str
    config: typing.Callable    # of a value, and whether the vendor takes its credentials
    value_of: typing.Callable  # of what is described
    private: bool = False
    one_time: bool = False
    keeps: bool = False        # an update may leave the credentials out

    @property
    def mode(self):
        return "Private" if self.private else "Public"


def plain(sandbox):
    def config(value, good):
        return {"connectorProfileProperties": {"Redshift": {
                    "databaseUrl": URL.format(host=address(value), port=sandbox.database_port),
                    "bucketName": "history", "bucketPrefix": value, "roleArn": ROLE}},
                "connectorProfileCredentials": {"Redshift": {
                    "username": "sandbox_md5",
                    "password": "sandbox-password" if good else "another-password"}}}

    def value_of(details):
        return details["connectorProfileProperties"]["Redshift"]["bucketPrefix"]

    return Kind("Redshift", config, value_of, keeps=True)


def catalog(vendor, credentials, **more):
    def config(value, good):
        return {"connectorProfileProperties": {"SAPOData": {
                    "applicationHostUrl": "http://127.0.0.1", "portNumber": vendor.port,
                    "applicationServicePath": f"/{value}", "clientNumber": "100",
                    "oAuthProperties": vendor.oauth()}},
                "connectorProfileCredentials": {"SAPOData": credentials(value, good)}}

    def value_of(details):
        properties = details["connectorProfileProperties"]["SAPOData"]
        return properties["applicationServicePath"].removeprefix("/")

    return Kind("SAPOData", config, value_of, **more)


class Kinds:
    def __init__(self, sandbox, vendor):
        def password(_, good):
            return {"basicAuthCredentials": {"username": "history",
                                             "password": vendor.password(good)}}

        def code(value, good):
            return {"oAuthCredentials": {**vendor.client(), "oAuthRequest": {
                "authCode": vendor.code(value, good), "redirectUri": REDIRECT}}}

        self.kinds = {PLAIN: plain(sandbox),
                      CODE: catalog(vendor, code, one_time=True),
                      PRIVATE: catalog(vendor, password, private=True),
                      PRIVATE_CODE: catalog(vendor, code, private=True, one_time=True)}

    def of(self, name):
        return self.kinds[name.rstrip("0123456789")]
