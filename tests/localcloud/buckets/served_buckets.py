"""The S3 API on an ephemeral port with two buckets, as stacks would have made them, and clients for it."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from klotho.localcloud.endpoint import Endpoint, allow_all
from klotho.localcloud.identity import ACCOUNT
from klotho.localcloud.services.object_store import Bucket
from klotho.localcloud.services.s3 import S3Service
from tests.localcloud.frame.frame_harness import REGION, EndpointUnderTest

PLAIN, KEPT = "plain", "kept"
ORIGIN = "https://shop.example"
DAY_S = 86400.0
CORS = {
    "CorsRules": [
        {
            "AllowedOrigins": [ORIGIN],
            "AllowedMethods": ["GET", "PUT"],
            "AllowedHeaders": ["content-*"],
            "ExposedHeaders": ["ETag"],
            "MaxAge": 60,
        }
    ]
}


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: dict[str, str]


class ServedBuckets(EndpointUnderTest):
    """`plain` has no versioning, `kept` has; both send events, which end up in `sent`."""

    def _app(self) -> Endpoint:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.now: float | None = None
        clock = self.objects.clock
        self.objects.clock = lambda: clock() if self.now is None else self.now
        self.service = S3Service(self.objects, ACCOUNT, REGION, self._take)
        self.settle()
        return Endpoint(
            (self.service,), self.credentials, REGION, self.port, authorize=allow_all, browser=self.service.browser
        )

    def _take(self, source: str, kind: str, resources: list[str], detail: Any) -> None:
        assert source == "aws.s3"
        assert resources == [f"arn:aws:s3:::{detail['bucket']['name']}"]
        self.sent.append((kind, detail))

    def settle(self, **settings: Any) -> None:
        """Make the buckets, with these settings besides."""
        switch = {"NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}}
        for name, versioning in ((PLAIN, ""), (KEPT, "Enabled")):
            merged = {**switch, "CorsConfiguration": CORS, **settings}
            self.objects.set_bucket(Bucket(name, "t", 1.0, versioning, merged))

    @property
    def s3(self) -> Any:
        return self.client("s3", signature_version="s3v4", s3={"addressing_style": "path"})

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Those since the last call."""
        self.service.flush_events()
        found, self.sent[:] = list(self.sent), []
        return found


def ask(url: str, method: str = "GET", data: bytes | None = None, **headers: str) -> Answer:
    """One request without a signature of its own; underscores in names of headers stand for dashes."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=data, method=method, headers=given)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return Answer(answer.status, answer.read(), {k.lower(): v for k, v in answer.headers.items()})
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read(), {k.lower(): v for k, v in error.headers.items()})


def made(folder: Path) -> ServedBuckets:
    return ServedBuckets(folder)
