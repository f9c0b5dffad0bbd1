"""A stand-in for AWS KMS with the states of its keys. Its data keys are words that are searched for
like every other secret."""

import base64
import json
import secrets

from support.server import ACCOUNT
from support.sigv4 import REGION
from support.vendor import Vendor, http

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def refusal(name, words="User: arn:aws:iam::123456789012:user/headgate may not"):
    return http("400 Bad Request", json.dumps({"__type": name, "message": words}))


class Kms(Vendor):
    """`state` has what each key answers instead, by ARN; a data key is unwrapped for the key and
    the encryption context that it was made for."""

    def __init__(self, canaries):
        super().__init__(self.judge)
        self.canaries = canaries
        self.state = {KEY: None}
        self.wrapped = {}  # blob: ARN, context, data key
        self.asked = []  # operations

    def judge(self, request):
        service, _, operation = request.headers["x-amz-target"].partition(".")
        assert service == "TrentService" and "/kms/aws4_request" in request.headers["authorization"]
        asked = json.loads(request.body)
        self.asked.append(operation)
        if asked["KeyId"] not in self.state:
            return refusal("NotFoundException")
        instead = self.state[asked["KeyId"]]
        if instead:
            return instead(asked) if callable(instead) else instead
        return http("200 OK", json.dumps(getattr(self, operation)(asked)))

    def GenerateDataKey(self, asked):
        assert asked["KeySpec"] == "AES_256"
        blob = base64.b64encode(secrets.token_bytes(90)).decode()
        key = self.canaries.add("canary" + secrets.token_hex(13))
        self.wrapped[blob] = asked["KeyId"], asked["EncryptionContext"], key
        return {"CiphertextBlob": blob, **self.plaintext(asked, key)}

    def Decrypt(self, asked):
        made_for, context, key = self.wrapped[asked["CiphertextBlob"]]
        assert (made_for, context) == (asked["KeyId"], asked["EncryptionContext"])
        return self.plaintext(asked, key)

    @staticmethod
    def plaintext(asked, key):
        return {"KeyId": asked["KeyId"], "Plaintext": base64.b64encode(key.encode()).decode()}
