"""Profiles of registered connectors: the sandbox's own connector, and one whose function and token
URL are a stand-in that counts what it is shown."""

import json
import urllib.parse

from support import aws
from support.functions import MINIMAL, Functions, registration
from support.vendor import http

LABEL = "orders"


def create(config, name="own", label=LABEL, **more):
    return {"connectorProfileName": name, "connectorType": aws.CUSTOM, "connectorLabel": label,
            "connectionMode": "Public", "connectorProfileConfig": config, **more}


def update(config, name="own", **more):
    return {"connectorProfileName": name, "connectionMode": "Public",
            "connectorProfileConfig": config, **more}


def basic(password, settings=None, user="user"):
    return {"connectorProfileProperties": {aws.CUSTOM: {"profileProperties": settings or {}}},
            "connectorProfileCredentials": {aws.CUSTOM: {
                "authenticationType": "BASIC", "basic": {"username": user, "password": password}}}}


class Connector(Functions):
    """Its function accepts every secret unless `verdicts` (a request's type: an answer) says
    otherwise; its token URL takes each code once, replaces each refresh token, and
    accepts the client always."""

    def __init__(self, canaries):
        super().__init__(self.answer_of)
        self.canaries = canaries
        self.verdicts = {}
        self.codes = {}

    @property
    def token_url(self):
        return self.url + "/token"

    def configuration(self):
        return {**MINIMAL, "authenticationConfig": {
            "isBasicAuthSupported": True, "isOAuth2Supported": True,
            "oAuth2Defaults": {"tokenURL": [self.token_url], "authURL": [], "oAuthScopes": [],
                               "oAuth2GrantTypesSupported": [
                                   "AUTHORIZATION_CODE", "CLIENT_CREDENTIALS"]}}}

    def answer_of(self, request):
        if request["type"] == "DescribeConnectorConfigurationRequest":
            return self.configuration()
        return self.verdicts.get(request["type"], {"isSuccess": True})

    def invoke(self, request):
        return self.token(request) if request.target == "/token" else super().invoke(request)

    def new_code(self):
        code = self.canaries.new("code")
        self.codes[code] = 0
        return code

    def token(self, request):
        sent = dict(urllib.parse.parse_qsl(request.body.decode()))
        if "code" in sent:
            self.codes[sent["code"]] += 1
        if "code" in sent and self.codes[sent["code"]] > 1:
            return http("400 Bad Request", json.dumps({"error": "invalid_grant"}))
        rotated = {"refresh_token": self.canaries.new("refresh-token")} if (
            sent["grant_type"] == "refresh_token") else {}
        return http("200 OK", json.dumps({"access_token": self.canaries.new("access-token"),
                                          "token_type": "Bearer", **rotated}))

    def with_code(self, settings=None):
        """A configuration with a code that was not shown yet."""
        return {
            "connectorProfileProperties": {aws.CUSTOM: {
                "profileProperties": settings or {},
                "oAuth2Properties": {"tokenUrl": self.token_url,
                                     "oAuth2GrantType": "AUTHORIZATION_CODE"}}},
            "connectorProfileCredentials": {aws.CUSTOM: {"authenticationType": "OAUTH2", "oauth2": {
                "clientId": "client", "clientSecret": self.canaries.new("client-secret"),
                "oAuthRequest": {"authCode": self.new_code(),
                                 "redirectUri": "https://example.com/callback"}}}}}

    def with_client(self, **params):
        """A configuration whose client gets tokens for itself, with parameters of its own."""
        return {
            "connectorProfileProperties": {aws.CUSTOM: {
                "oAuth2Properties": {"tokenUrl": self.token_url,
                                     "oAuth2GrantType": "CLIENT_CREDENTIALS",
                                     "tokenUrlCustomProperties": params}}},
            "connectorProfileCredentials": {aws.CUSTOM: {"authenticationType": "OAUTH2", "oauth2": {
                "clientId": "client", "clientSecret": self.canaries.new("client-secret")}}}}

    def types(self):
        """What its function was asked since the last time."""
        asked = [json.loads(request.body)["type"].removesuffix("Request")
                 for request in self.requests if request.target != "/token"]
        self.requests.clear()
        return asked


def register(server, label=LABEL):
    server.ok("RegisterConnector", registration(label))
