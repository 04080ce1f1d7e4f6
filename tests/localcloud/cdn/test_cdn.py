"""A distribution answers as CloudFront would: cache, conditions, ranges, compression, errors, functions, policies."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from klotho.localcloud.handler import HandlerError
from klotho.localcloud.service import ApiError

from .edge import BUCKET, Edge, edge

pytestmark = pytest.mark.localcloud
Story = Callable[[Edge], Awaitable[None]]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., None]:
    def told(story: Story, **config: Any) -> None:
        async def scene() -> None:
            async with edge(tmp_path) as at:
                at.put("index.html", "<h1>one</h1>", control="no-cache")
                await at.create(**config)
                await story(at)

        asyncio.run(scene())

    return told


def test_the_root_and_folders_are_their_index_pages_with_security_headers(run: Callable[..., None]) -> None:
    async def story(at: Edge) -> None:
        at.put("docs/index.html", "<h1>docs</h1>")
        root, docs = await at.get("/"), await at.get("/docs/")
        assert (root.status, root.body) == (200, b"<h1>one</h1>")
        assert root.headers["x-frame-options"] == "DENY"
        assert root.headers["x-content-type-options"] == "nosniff"
        assert root.headers["strict-transport-security"] == "max-age=60; includeSubDomains"
        assert root.headers["content-type"] == "text/html; charset=utf-8"
        assert docs.body == b"<h1>docs</h1>"
        assert (await at.get("/", "HEAD")).body == b""

    run(story)


def test_a_copy_is_kept_as_long_as_it_says_and_then_asked_about(run: Callable[..., None]) -> None:
    async def story(at: Edge) -> None:
        at.put("app.js", "one()", "text/javascript", "public, max-age=60")
        first, second = await at.get("/app.js"), await at.get("/app.js")
        assert (first.headers["x-cache"], second.headers["x-cache"]) == ("Miss from cloudfront", "Hit from cloudfront")
        at.put("app.js", "two()", "text/javascript", "public, max-age=60")
        at.now += 59
        stale = await at.get("/app.js")
        assert (stale.body, stale.headers["age"]) == (b"one()", "59")
        at.now += 2
        assert (await at.get("/app.js")).body == b"two()"
        at.now += 61
        assert (await at.get("/app.js")).headers["x-cache"] == "RefreshHit from cloudfront"

    run(story)


def test_the_cache_policy_limits_what_the_origin_says(run: Callable[..., None]) -> None:
    async def story(at: Edge) -> None:
        at.put("shared.css", "red", "text/css", "max-age=0, s-maxage=500")
        await at.get("/")
        await at.get("/shared.css")
        at.put("index.html", "<h1>two</h1>", control="no-cache")
        at.put("shared.css", "blue", "text/css", "max-age=0, s-maxage=500")
        at.now += 0.5  # AWS keeps even `no-cache` for the policy's minimum, here one second
        assert (await at.get("/")).body == b"<h1>one</h1>"
        at.now += 1
        assert (await at.get("/")).body == b"<h1>two</h1>"
        assert (await at.get("/shared.css")).body == b"red"

    run(story)


def test_an_invalidation_makes_it_forget_exactly_what_was_named(run: Callable[..., None]) -> None:
    async def story(at: Edge) -> None:
        for name in ("a/one.css", "a/two.css", "b.css"):
            at.put(name, "old", "text/css", "max-age=1000")
            await at.get(f"/{name}")
            at.put(name, "new", "text/css", "max-age=1000")
        distribution = at.record.identifier
        at.cloud.cdn.invalidate(distribution, ["/a/one.css"], "first")
        assert [(await at.get(f"/{name}")).body for name in ("a/one.css", "a/two.css", "b.css")] == [
            b"new",
            b"old",
            b"old",
        ]
        at.cloud.cdn.invalidate(distribution, ["/a/*"], "second")
        assert [(await at.get(f"/{name}")).body for name in ("a/two.css", "b.css")] == [b"new", b"old"]
        again = at.cloud.cdn.invalidate(distribution, ["/a/*"], "second")
        assert next(item.id for item in at.cloud.cdn.invalidations.of(distribution)) == again.id
        with pytest.raises(ApiError, match="used for other paths"):
            at.cloud.cdn.invalidate(distribution, ["/b.css"], "second")
        for paths in ([], ["b.css"], ["/a*b"], ["/a"] * 3001):
            with pytest.raises(ApiError):
                at.cloud.cdn.invalidate(distribution, paths, f"bad {len(paths)}")

    run(story)


def test_conditions_and_ranges(run: Callable[..., None]) -> None:
    async def story(at: Edge) -> None:
        at.put("movie.bin", bytes(range(100)), "application/octet-stream", "max-age=10")
        whole = await at.get("/movie.bin")
        tag, changed = whole.headers["etag"], whole.headers["last-modified"]
        assert (await at.get("/movie.bin", If_None_Match=tag)).status == 304
        assert (await at.get("/movie.bin", If_None_Match='"other"')).status == 200
        assert (await at.get("/movie.bin", If_Modified_Since=changed)).status == 304
        part = await at.get("/movie.bin", Range="bytes=10-19")
        assert (part.status, part.body, part.headers["content-range"]) == (206, bytes(range(10, 20)), "bytes 10-19/100")
        assert (await at.get("/movie.bin", Range="bytes=-5")).body == bytes(range(95, 100))
        assert (await at.get("/movie.bin", Range="bytes=200-")).status == 416
        assert (await at.get("/movie.bin", Range="bytes=0-1", If_Range='"other"')).status == 200

    run(story)


def test_text_is_compressed_for_who_takes_it(run: Callable[..., None]) -> None:
    async def story(at: Edge) -> None:
        at.put("big.js", "x = 1;" * 500, "text/javascript", "max-age=10")
        at.put("small.js", "x", "text/javascript", "max-age=10")
        at.put("big.png", b"x" * 3000, "image/png", "max-age=10")
        packed, plain = await at.get("/big.js", Accept_Encoding="br, gzip"), await at.get("/big.js")
        assert (packed.headers["content-encoding"], gzip.decompress(packed.body)) == ("gzip", plain.body)
        assert packed.headers["etag"] == f"W/{plain.headers['etag']}"
        assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
        assert (await at.get("/big.js", Accept_Encoding="gzip", If_None_Match=packed.headers["etag"])).status == 304
        for path in ("/small.js", "/big.png"):
            assert "content-encoding" not in (await at.get(path, Accept_Encoding="gzip")).headers
        assert "content-encoding" not in (await at.get("/big.js", Accept_Encoding="gzip;q=0")).headers

    run(story)


def test_what_is_missing_is_404_where_the_policy_lets_it_be_known(run: Callable[..., None]) -> None:
    async def story(at: Edge) -> None:
        missing = await at.get("/nothing.html")
        assert (missing.status, missing.headers["x-cache"]) == (404, "Error from cloudfront")
        assert b"NoSuchKey" in missing.body
        at.allow(at.record.identifier, listing=False)
        at.cloud.cdn.edge.cache.drop(at.record.identifier)
        assert (await at.get("/nothing.html")).status == 403

    run(story)


def test_the_error_page_is_shown_with_its_status(run: Callable[..., None]) -> None:
    async def story(at: Edge) -> None:
        at.put("404.html", "<h1>gone</h1>")
        missing = await at.get("/nothing.html")
        assert (missing.status, missing.body) == (404, b"<h1>gone</h1>")

    run(story, CustomErrorResponses=[{"ErrorCode": 404, "ResponseCode": 404, "ResponsePagePath": "/404.html"}])


def test_a_missing_page_is_remembered_for_ten_seconds(run: Callable[..., None]) -> None:
    async def story(at: Edge) -> None:
        assert (await at.get("/late.html")).status == 404
        at.put("late.html", "here")
        at.now += 9
        assert (await at.get("/late.html")).status == 404
        at.now += 2
        assert (await at.get("/late.html")).status == 200

    run(story)


def test_only_this_distribution_reads_the_bucket(run: Callable[..., None]) -> None:
    async def story(at: Edge) -> None:
        assert (await at.get("/")).status == 403
        at.allow("E0000OTHER")
        at.now += 11
        assert (await at.get("/")).status == 403
        at.allow(at.record.identifier)
        at.now += 11
        assert (await at.get("/")).status == 200

    run(story, allow=False)


@pytest.mark.parametrize(
    "statement",
    [
        {"Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}/*"},
        {"Principal": {"AWS": "*"}, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"},
        {"NotPrincipal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "s3:*",
         "Resource": f"arn:aws:s3:::{BUCKET}/*"},
        {"Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}/*",
         "Condition": {"BinaryEquals": {"aws:SecureTransport": 1}}},
    ],
)  # fmt: skip
def test_a_deny_wins_also_one_that_cant_be_evaluated(run: Callable[..., None], statement: dict[str, Any]) -> None:
    async def story(at: Edge) -> None:
        at.allow(at.record.identifier, {"Effect": "Deny", **statement})
        assert (await at.get("/")).status == 403

    run(story, allow=False)


def test_a_deny_of_plain_http_is_not_about_the_cdn(run: Callable[..., None]) -> None:
    async def story(at: Edge) -> None:
        plain = {"Bool": {"aws:SecureTransport": "false"}}
        deny = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
            "Condition": plain,
        }
        at.allow(at.record.identifier, deny)
        assert (await at.get("/")).status == 200

    run(story, allow=False)


def test_other_methods_and_other_hosts_are_refused(run: Callable[..., None]) -> None:
    async def story(at: Edge) -> None:
        assert (await at.get("/", "POST", Content_Length="0")).status == 403
        assert (await at.get("/", Host="evil.example")).status == 403
        assert (await at.get("/", Host=f"localhost:{at.port}")).status == 200
        assert (await at.get("/", Host="shop.example:443")).status == 200
        assert at.cloud.cdn.application_for("shop.example") is not None
        assert at.cloud.cdn.application_for("evil.example") is None

    run(story, Aliases=["shop.example"])


def test_a_function_sees_the_request_and_may_answer_it(run: Callable[..., None]) -> None:
    code = """
    async function handler(event) {
      console.log('asked for', event.request.uri);
      const { request, viewer, context } = event;
      return { statusCode: 302, headers: { location: { value: '/there' }, 'x-seen': { value: JSON.stringify(
        [event.version, context.eventType, viewer.ip, request.method, request.querystring.a,
         request.headers['x-b'].value, request.cookies.c.value]) } } };
    }"""

    async def story(at: Edge) -> None:
        answer = await at.get("/?a=1&a=2", X_B="b", Cookie="c=3")
        assert (answer.status, answer.headers["location"]) == (302, "/there")
        assert json.loads(answer.headers["x-seen"]) == [
            "1.0", "viewer-request", "127.0.0.1", "GET",
            {"value": "2", "multiValue": [{"value": "1"}, {"value": "2"}]}, "b", "3",
        ]  # fmt: skip
        assert answer.headers["x-cache"] == "FunctionGeneratedResponse from cloudfront"
        (unit,) = at.cloud.cdn.status()
        said = [event.message for event in at.cloud.logs.events(str(unit.log_group))]
        assert said == ["asked for /"]

    run(story, code=code)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("function handler(event) { throw new Error('broken'); }", "broken"),
        ("function handler(event) { return 1; }", "neither a request nor a response"),
        ("function handler(event) { for (;;) {} }", "timed out"),
        ("function handler(event) { event.request.uri = 'x'; return event.request; }", "does not begin with /"),
        ("function handler(event) { return process.env; }", "process is not defined"),
    ],
)
def test_a_function_that_fails_is_503_with_the_reason_in_the_log(run: Callable[..., None], code: str, why: str) -> None:
    async def story(at: Edge) -> None:
        assert (await at.get("/")).status == 503
        (line,) = [event.message for event in at.cloud.logs.events("/aws/cloudfront/function/paths")]
        assert why in line

    run(story, code=code)


def test_code_that_cant_be_run_is_refused_when_it_is_made(run: Callable[..., None]) -> None:
    async def nothing(at: Edge) -> None:
        raise AssertionError("made")

    for code in ("function handler(event) {", "var a = 1;", "import cf from 'cloudfront'; function handler() {}"):
        with pytest.raises(HandlerError, match="FunctionCode can't be run"):
            run(nothing, code=code)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"Origins": []}, "the origin files"),
        ({"CustomErrorResponses": [{"ErrorCode": 404, "ResponseCode": 200}]}, "come together"),
    ],
)
def test_what_is_not_carried_is_refused_by_name(run: Callable[..., None], config: dict[str, Any], says: str) -> None:
    async def nothing(at: Edge) -> None:
        raise AssertionError("made")

    with pytest.raises(HandlerError, match=says):
        run(nothing, **config)


def test_the_process_that_runs_functions_comes_back(run: Callable[..., None]) -> None:
    async def story(at: Edge) -> None:
        assert (await at.get("/")).status == 200
        child = at.cloud.cdn.edge.functions._child
        assert child is not None
        await child.stop()
        assert (await at.get("/")).status == 200

    run(story)


def test_strange_paths_are_answers_not_faults(run: Callable[..., None]) -> None:
    async def story(at: Edge) -> None:
        for path in ("//", "/%00", "/..%2f..%2fetc/passwd", "/%ff%fe", "/a%20b", "/?x=%zz", "/" + "a" * 2000):
            assert (await at.get(path)).status in (200, 403, 404), path

    run(story)
