"""A site's distribution in a test's cloud, made by the handlers, and a client that asks it over HTTP."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from cloudformation.builders import record_cloud
from functions.testbed import make

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import Record
from klotho.localcloud.handlers.cloudfront import (
    CloudFrontFunction,
    Distribution,
    OriginAccessControl,
    ResponseHeadersPolicy,
)
from klotho.localcloud.logs import Logs
from klotho.localcloud.planes.cdn import Cdn
from klotho.localcloud.planes.processes import ProcessTable
from klotho.localcloud.services.s3 import ObjectStore

BUCKET = "site-files"
FOLDERS = (
    "function handler(event) { var r = event.request; if (r.uri.endsWith('/')) { r.uri += 'index.html'; } return r; }"
)
OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Edge:
    """One distribution in front of one bucket; `now` moves the cache's clock."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.now = 1000.0
        self.record: Record
        cloud.cdn.edge._clock = lambda: self.now

    async def create(self, code: str = FOLDERS, allow: bool = True, **config: Any) -> None:
        cloud = self.cloud
        self._bucket()
        access = {
            "Name": "a",
            "OriginAccessControlOriginType": "s3",
            "SigningBehavior": "always",
            "SigningProtocol": "sigv4",
        }
        control = await make(cloud, OriginAccessControl(cloud), "access", {"OriginAccessControlConfig": access})
        security = {
            "FrameOptions": {"FrameOption": "DENY", "Override": True},
            "ContentTypeOptions": {"Override": True},
            "StrictTransportSecurity": {"AccessControlMaxAgeSec": 60, "IncludeSubdomains": True, "Override": True},
        }
        policy = {"ResponseHeadersPolicyConfig": {"Name": "h", "SecurityHeadersConfig": security}}
        headers = await make(cloud, ResponseHeadersPolicy(cloud), "headers", policy)
        runtime = {"Comment": "c", "Runtime": "cloudfront-js-2.0"}
        paths = {"Name": "paths", "AutoPublish": True, "FunctionCode": code, "FunctionConfig": runtime}
        function = await make(cloud, CloudFrontFunction(cloud), "paths", paths)
        behavior = {
            "TargetOriginId": "files", "ViewerProtocolPolicy": "redirect-to-https", "Compress": True,
            "CachePolicyId": OPTIMIZED, "ResponseHeadersPolicyId": headers.identifier,
            "FunctionAssociations": [{"EventType": "viewer-request", "FunctionARN": function.identifier}],
        }  # fmt: skip
        origin = {
            "Id": "files", "DomainName": f"{BUCKET}.s3.eu-west-1.amazonaws.com",
            "OriginAccessControlId": control.identifier, "S3OriginConfig": {"OriginAccessIdentity": ""},
        }  # fmt: skip
        settings = {
            "Enabled": True,
            "DefaultRootObject": "index.html",
            "Origins": [origin],
            "DefaultCacheBehavior": behavior,
        }
        properties = {"DistributionConfig": {**settings, **config}}
        self.record = await make(cloud, Distribution(cloud), "site", properties)
        if allow:
            self.allow(self.record.identifier)

    def allow(self, distribution: str, *more: Mapping[str, Any], listing: bool = True) -> None:
        """The bucket policy of a site."""
        source = {
            "StringEquals": {"AWS:SourceArn": f"arn:aws:cloudfront::{self.cloud.account}:distribution/{distribution}"}
        }
        reader = {"Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"}, "Condition": source}
        statements = [{**reader, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}, *more]
        if listing:
            statements.append({**reader, "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"})
        self.policy({"Version": "2012-10-17", "Statement": statements})

    def policy(self, document: Mapping[str, Any]) -> None:
        properties = {"Bucket": BUCKET, "PolicyDocument": document}
        self.cloud.world.put(Record("AWS::S3::BucketPolicy", BUCKET, properties, {}, "p", "s", "s", "Policy", {}))

    def _bucket(self) -> None:
        self.cloud.world.put(Record("AWS::S3::Bucket", BUCKET, {}, {}, "b", "s", "s", "Files", {}))

    def put(
        self, key: str, content: str | bytes, kind: str = "text/html; charset=utf-8", control: str | None = None
    ) -> None:
        headers = {"content-type": kind} | ({} if control is None else {"cache-control": control})
        self.cloud.objects.put(BUCKET, key, content.encode() if isinstance(content, str) else content, headers)

    @property
    def port(self) -> int:
        return int(self.record.attributes["DomainName"].rpartition(":")[2])

    async def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await asyncio.to_thread(self._ask, path, method, named)

    def _ask(self, path: str, method: str, headers: Mapping[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()


@asynccontextmanager
async def edge(state: Path) -> AsyncIterator[Edge]:
    cloud = record_cloud(state, logs=Logs(state), objects=ObjectStore(state))
    cloud.cdn = Cdn(cloud)
    await cloud.cdn.start()
    try:
        yield Edge(cloud)
    finally:
        await cloud.cdn.stop()
        ProcessTable.of(cloud.state).close()
        cloud.logs.close()
        cloud.database.close()
