"""Connectors' functions in a stand-in for AWS Lambda: its Invoke API, answered by Python."""

import json

from support.vendor import Vendor, http

ACCESS_KEY = "AKIAHEADGATEOWN00001"

MINIMAL = {"isSuccess": True, "connectorOwner": "Own", "connectorName": "Orders",
           "connectorVersion": "1.0", "connectorModes": ["SOURCE"],
           "supportedApiVersions": ["v1"],
           "authenticationConfig": {"isBasicAuthSupported": True}}


def function_arn(name="orders", account="123456789012", region="us-east-1"):
    return f"arn:aws:lambda:{region}:{account}:function:{name}"


def lambda_fails(error_type, message):
    """What Lambda answers when the function raised an error."""
    return http("200 OK", json.dumps({"errorType": error_type, "errorMessage": message}),
                headers=[("X-Amz-Function-Error", "Unhandled")])


class Functions(Vendor):
    """`answers` is what each request's function returns: a value, raw bytes of a whole response, or
    a function of the request's JSON."""

    name = "lambda"

    def __init__(self, answers=MINIMAL):
        super().__init__(self.invoke)
        self.answers = answers

    def invoke(self, request):
        answers = self.answers
        if callable(answers):
            answers = answers(json.loads(request.body))
        return answers if isinstance(answers, bytes) else http("200 OK", json.dumps(answers))

    def asked(self):
        """The JSON of every request."""
        return [json.loads(request.body) for request in self.requests]


def to_functions(functions, canaries):
    """A server's options and environment that lead its invocations to them."""
    return (["--egress-allow", "127.0.0.1", "--lambda-url", functions.url],
            {"AWS_ACCESS_KEY_ID": ACCESS_KEY,
             "AWS_SECRET_ACCESS_KEY": canaries.new("lambda-secret-key")})


def registration(label="orders", function="orders", **more):
    return {"connectorLabel": label, "connectorProvisioningType": "LAMBDA",
            "connectorProvisioningConfig": {"lambda": {"lambdaArn": function_arn(function)}},
            **more}
