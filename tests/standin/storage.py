"""Storage in the cloud: NSIDC's bucket, for signed requests alone, and keys for an hour from the data host."""

from __future__ import annotations

import hashlib
import hmac
import json
import re

from tests.standin.messages import Answer
from tests.standin.services import TOKEN, file_answer

BUCKET = "nsidc-cumulus-prod-protected"
HOST = f"{BUCKET}.s3.us-west-2.amazonaws.com"
KEYS = {
    "accessKeyId": "CANARYACCESSKEY01",
    "secretAccessKey": "canary-secret-key-5d1f",
    "sessionToken": "canary-session-token-e77b",
    "expiration": "2099-01-01 00:00:00+00:00",
}


def with_keys(data):
    """The data host, with the address that gives keys to who shows the token; `given` counts them."""

    def answer(request):
        if request.path != "/s3credentials":
            return data(request)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer(401, b"Unauthorized")
        answer.given += 1
        return Answer(200, json.dumps(KEYS).encode(), {"Content-Type": "application/json"})

    answer.given = 0
    return answer


class Bucket:
    """Objects by key; whoever does not sign as the keys say is refused, and so is everybody outside the region."""

    inside = True

    def __init__(self, records):
        self.records = records

    def __call__(self, request):
        if not self.inside or not signed(request):
            return Answer(403, b"<Error><Code>AccessDenied</Code></Error>", {"Content-Type": "application/xml"})
        found = [record for record in self.records if request.path == f"/{record.key}"]
        return file_answer(found[0].path, request) if found else Answer(404, b"<Error><Code>NoSuchKey</Code></Error>")


def signed(request) -> bool:
    """Whether a request carries a signature (AWS Signature Version 4) that the secret key makes of it."""
    pattern = r"AWS4-HMAC-SHA256 Credential=([^/]+)/(.+), SignedHeaders=([^,]+), Signature=(\w+)"
    found = re.match(pattern, request.headers.get("authorization", ""))
    if not found or found[1] != KEYS["accessKeyId"]:
        return False
    if request.headers.get("x-amz-security-token") != KEYS["sessionToken"]:
        return False
    scope, names = found[2], found[3].split(";")
    headers = {**request.headers, "host": request.host}
    lines = [f"{name}:{headers[name].strip()}\n" for name in names]
    content = request.headers["x-amz-content-sha256"]
    canonical = "\n".join([request.method, request.path, "", "".join(lines), ";".join(names), content])
    text = "\n".join(
        ["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()]
    )
    key = f"AWS4{KEYS['secretAccessKey']}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex() == found[4]
