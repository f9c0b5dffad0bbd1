"""Unmodified AWS clients, pointed at the server, and what they are asked to send."""

import functools
import json
import os
import re
import subprocess

import boto3
import botocore.config
import botocore.exceptions

from support.functions import registration
from support.server import headgate
from support.sigv4 import REGION

CONNECTORS = ("Salesforce", "Zendesk", "Amplitude")
CUSTOM = "CustomConnector"
SANDBOX_LABEL = "Sandbox"  # under which tests register the sandbox's own connector
PRIVATE = ("SAPOData", "Salesforce", "Singular", "Snowflake", "Trendmicro")
TOOL_TIMEOUT_S = 120

ARN = "arn:aws:appflow:{region}:{account}:connectorprofile/{name}"
CREDENTIALS_ARN = re.compile(
    r"arn:aws:secretsmanager:us-east-1:123456789012:secret:"
    r"appflow!123456789012-[\w-]+-\d{13}-[A-Za-z0-9]{6}")


def boto(server, key=None, region=REGION, retries=1, read_timeout_s=60):
    """boto3's client. Every answer is kept where secrets are searched for."""
    key = key or server.key
    client = boto3.client(
        "appflow", region_name=region, endpoint_url=server.endpoint,
        aws_access_key_id=key.id, aws_secret_access_key=key.secret,
        config=botocore.config.Config(retries={"total_max_attempts": retries, "mode": "standard"},
                                      read_timeout=read_timeout_s, connect_timeout=10))
    keep_answers(client, server)
    return client


def keep_answers(client, server):
    """Every answer that a client gets is kept where secrets are searched for."""

    def keep(http_response, **_):
        head = "\r\n".join(f"{name}: {value}" for name, value in http_response.headers.items())
        server.answers.append(head.encode() + b"\r\n\r\n" + http_response.content)

    client.meta.events.register("after-call.appflow", keep)


def refusal(error):
    """Of botocore's error: the exception's name, the status and the message."""
    answer = error.response
    return (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"],
            answer["Error"]["Message"])


def refused(call, **parameters):
    """Makes a call that must be refused: the exception's name, the status and the message."""
    try:
        call(**parameters)
    except botocore.exceptions.ClientError as error:
        return refusal(error)
    raise AssertionError("the call succeeded")


@functools.cache
def _sandbox_list():
    return headgate("sandbox", "--list", "--json")


def sandbox_list():
    """{connectorType: {outcome: connectorProfileConfig}}, a fresh copy each time."""
    return json.loads(_sandbox_list())


def outcomes():
    """Every pair of connector type and outcome that the sandbox knows, where profiles can be."""
    return [(kind, outcome) for kind, configs in sandbox_list().items() for outcome in configs]


def config_for(canaries, kind, outcome):
    """What to send for an outcome, made now, since an assertion lives for minutes only; its secrets
    are watched from now on."""
    config = json.loads(headgate("sandbox", "--list", "--json", "--connector", kind,
                                 "--outcome", outcome))
    canaries.add_credentials(config)
    return config


def properties_only(config):
    return {"connectorProfileProperties": config["connectorProfileProperties"]}


def label_for(client, kind):
    """What names the connector of a profile: for those of users the sandbox's, registered once."""
    if kind != CUSTOM:
        return {}
    try:
        client.register_connector(**registration(SANDBOX_LABEL, "headgate-sandbox"))
    except client.exceptions.ConflictException:
        pass
    return {"connectorLabel": SANDBOX_LABEL}


def create(client, name, kind, config, mode="Public", **more):
    """With the sandbox's label for a custom connector, unless a label is given; None: without."""
    label = label_for(client, kind) if "connectorLabel" not in more else {}
    more = {member: value for member, value in {**label, **more}.items() if value is not None}
    return client.create_connector_profile(
        connectorProfileName=name, connectorType=kind, connectionMode=mode,
        connectorProfileConfig=config, **more)


def update(client, name, config, mode="Public", **more):
    return client.update_connector_profile(
        connectorProfileName=name, connectionMode=mode, connectorProfileConfig=config, **more)


def tool_env(server, attempts=1):
    """The environment for a tool that finds its credentials as AWS's tools do. `attempts` limits
    how often it sends a request; None leaves the tool's default."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    if attempts is not None:
        env["AWS_MAX_ATTEMPTS"] = str(attempts)
    return {**env, "AWS_ACCESS_KEY_ID": server.key.id, "AWS_SECRET_ACCESS_KEY": server.key.secret,
            "AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION, "AWS_PAGER": "",
            "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true"}


def run_tool(server, words, stdin=None, attempts=1, **kwargs):
    """Runs a tool to its end and keeps what it printed where secrets are searched for."""
    done = subprocess.run([str(word) for word in words], input=stdin, capture_output=True,
                          timeout=TOOL_TIMEOUT_S, env=tool_env(server, attempts),
                          **kwargs)
    server.answers += [done.stdout, done.stderr]
    return done
