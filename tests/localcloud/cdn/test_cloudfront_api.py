"""CloudFront's API, asked by boto3 through the real endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klotho.localcloud.credentials import Credentials
from klotho.localcloud.endpoint import Endpoint, EndpointServer, bind
from klotho.localcloud.permissions.required import required
from klotho.localcloud.permissions.resources import Surroundings
from klotho.localcloud.service import ApiCall, ApiError, Caller
from klotho.localcloud.services.cloudfront import CloudFrontService, _batch

from .edge import Edge, edge

pytestmark = pytest.mark.localcloud
Story = Callable[[Edge, Any], Awaitable[None]]


def tell(folder: Path, story: Story) -> None:
    async def scene() -> None:
        async with edge(folder) as at:
            at.put("index.html", "one", control="max-age=1000")
            await at.create()
            credentials = Credentials(at.cloud.database)
            key, listener = credentials.deployer(), bind(0)
            port = listener.getsockname()[1]
            service = CloudFrontService(at.cloud.cdn, at.cloud.world, at.cloud.account)
            server = EndpointServer(Endpoint((service,), credentials, at.cloud.region, port), listener)
            await server.start()
            make: Any = boto3.client
            client = make(
                "cloudfront", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
                aws_access_key_id=key.id, aws_secret_access_key=key.secret,
            )  # fmt: skip
            try:
                await story(at, client)
            finally:
                await server.stop()

    asyncio.run(scene())


def batch(reference: str, *paths: str, quantity: int | None = None) -> dict[str, Any]:
    count = len(paths) if quantity is None else quantity
    return {"Paths": {"Quantity": count, "Items": list(paths)}, "CallerReference": reference}


def test_an_invalidation_is_made_once_and_found_again(tmp_path: Path) -> None:
    async def story(at: Edge, client: Any) -> None:
        distribution = at.record.identifier
        await at.get("/")
        at.put("index.html", "two", control="max-age=1000")
        ask = {"DistributionId": distribution, "InvalidationBatch": batch("a", "/index.html", "/a%20b<&.html")}
        made = (await asyncio.to_thread(client.create_invalidation, **ask))["Invalidation"]
        assert made["Status"] == "InProgress"
        assert (await at.get("/")).body == b"two"
        again = (await asyncio.to_thread(client.create_invalidation, **ask))["Invalidation"]
        assert again["Id"] == made["Id"]
        known = await asyncio.to_thread(client.get_invalidation, DistributionId=distribution, Id=made["Id"])
        assert known["Invalidation"]["Status"] == "Completed"
        assert known["Invalidation"]["InvalidationBatch"] == ask["InvalidationBatch"]
        for number in range(3):
            more = batch(f"more {number}", "/*")
            await asyncio.to_thread(client.create_invalidation, DistributionId=distribution, InvalidationBatch=more)

        def everything() -> list[str]:
            pages = client.get_paginator("list_invalidations").paginate(
                DistributionId=distribution, PaginationConfig={"PageSize": 2}
            )
            return [item["Id"] for page in pages for item in page["InvalidationList"]["Items"]]

        listed = await asyncio.to_thread(everything)
        assert len(set(listed)) == 4 and listed[-1] == made["Id"]

    tell(tmp_path, story)


def test_a_distribution_is_described_without_its_configuration(tmp_path: Path) -> None:
    async def story(at: Edge, client: Any) -> None:
        found = (await asyncio.to_thread(client.get_distribution, Id=at.record.identifier))["Distribution"]
        assert (found["Status"], found["DomainName"]) == ("Deployed", f"127.0.0.1:{at.port}")
        assert found["ARN"].endswith(f":distribution/{at.record.identifier}")

    tell(tmp_path, story)


def test_what_is_wrong_is_said_in_cloudfronts_codes(tmp_path: Path) -> None:
    async def story(at: Edge, client: Any) -> None:
        mine = at.record.identifier
        for code, ask in (
            ("NoSuchDistribution", {"DistributionId": "ENONE", "InvalidationBatch": batch("a", "/a")}),
            ("InconsistentQuantities", {"DistributionId": mine, "InvalidationBatch": batch("a", "/a", quantity=2)}),
            ("InvalidArgument", {"DistributionId": mine, "InvalidationBatch": batch("a", "a")}),
        ):
            with pytest.raises(ClientError) as caught:
                await asyncio.to_thread(client.create_invalidation, **ask)
            assert caught.value.response["Error"]["Code"] == code
        with pytest.raises(ClientError, match="does not carry cloudfront:GET /distribution"):
            await asyncio.to_thread(client.list_distributions)
        with pytest.raises(ClientError) as caught:
            await asyncio.to_thread(client.get_invalidation, DistributionId=mine, Id="INONE")
        assert caught.value.response["Error"]["Code"] == "NoSuchInvalidation"

    tell(tmp_path, story)


@settings(max_examples=200, suppress_health_check=[HealthCheck.differing_executors])
@given(st.binary(max_size=200) | st.text(max_size=60).map(lambda text: f"<a><Path>{text}</Path></a>".encode()))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    try:
        paths, reference, quantity = _batch(body)
    except ApiError as error:
        assert error.code == "MalformedXML"
    else:
        assert isinstance(paths, list) and isinstance(reference, str) and quantity >= -1


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("POST", "/2020-05-31/distribution/E1/invalidation", "cloudfront:CreateInvalidation"),
        ("GET", "/2020-05-31/distribution/E1/invalidation", "cloudfront:ListInvalidations"),
        ("GET", "/2020-05-31/distribution/E1/invalidation/I1", "cloudfront:GetInvalidation"),
        ("GET", "/2020-05-31/distribution/E1", "cloudfront:GetDistribution"),
    ],
)
def test_each_operation_needs_its_permission_on_the_distribution(method: str, path: str, action: str) -> None:
    caller = Caller("key", "web", "arn:aws:iam::000000000000:role/web")
    call = ApiCall("cloudfront", "", method, path, {}, {}, b"", caller)
    around = Surroundings("eu-west-1", "000000000000", lambda table: None, lambda name: None)
    (need,) = required(call, around)
    assert (need.action, need.resource) == (action, "arn:aws:cloudfront::000000000000:distribution/E1")
