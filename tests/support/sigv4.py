"""A second signer of AWS Signature Version 4 (header form), standard library only, written from the
specification, so that the server's own code is not checked by itself."""

import datetime
import hashlib
import hmac
import urllib.parse

REGION = "us-east-1"
SERVICE = "appflow"


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signing_key(secret, date, region, service):
    key = _hmac(("AWS4" + secret).encode(), date)
    for part in (region, service, "aws4_request"):
        key = _hmac(key, part)
    return key


def canonical_query(query):
    pairs = []
    for pair in query.split("&") if query else []:
        name, _, value = pair.partition("=")
        pairs.append(tuple(urllib.parse.quote(urllib.parse.unquote(part), safe="-_.~")
                           for part in (name, value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def canonical_request(method, path, query, headers, body):
    """`headers` is a list of pairs, all signed. Services other than S3 encode the path again."""
    joined = {}
    for name, value in headers:
        joined.setdefault(name.lower(), []).append(" ".join(value.split()))
    names = sorted(joined)
    lines = [method, urllib.parse.quote(path, safe="/-_.~"), canonical_query(query)]
    lines += [f"{name}:{','.join(joined[name])}" for name in names]
    lines += ["", ";".join(names), hashlib.sha256(body).hexdigest()]
    return "\n".join(lines), ";".join(names)


def sign(method, target, headers, body, key_id, secret, region=REGION, service=SERVICE, now=None):
    """The headers to add: X-Amz-Date and Authorization. `headers` must hold Host."""
    now = now or datetime.datetime.now(datetime.timezone.utc)
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    path, _, query = target.partition("?")
    canonical, names = canonical_request(method, path, query,
                                         headers + [("X-Amz-Date", stamp)], body)
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}"
    key = signing_key(secret, stamp[:8], region, service)
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return [("X-Amz-Date", stamp),
            ("Authorization", f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, "
                              f"SignedHeaders={names}, Signature={signature}")]
