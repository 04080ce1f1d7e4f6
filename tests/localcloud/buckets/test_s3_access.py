"""How clients reach a bucket: presigned URLs, pages of browsers, chunked uploads, the runtime of Node."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klotho.localcloud import aws_chunked
from klotho.runtime.sigv4 import presign
from tests.localcloud.buckets.served_buckets import KEPT, ORIGIN, PLAIN, ServedBuckets, ask
from tests.localcloud.frame.frame_harness import REGION

pytestmark = pytest.mark.localcloud

NODE = Path(__file__).parents[3] / "src" / "klotho" / "runtime" / "node"


def test_a_presigned_url_is_good_for_its_time_and_nothing_else(served: ServedBuckets) -> None:
    s3 = served.s3
    put = s3.generate_presigned_url("put_object", {"Bucket": PLAIN, "Key": "a b/ü", "ContentType": "x/y"})
    assert ask(put, "PUT", b"signed", Content_Type="x/y").status == 200
    assert ask(put, "PUT", b"signed", Content_Type="z/z").status == 403, "the header is part of what was signed"
    get = s3.generate_presigned_url("get_object", {"Bucket": PLAIN, "Key": "a b/ü", "ResponseContentType": "t/t"})
    found = ask(get)
    assert (found.status, found.body, found.headers["content-type"]) == (200, b"signed", "t/t")
    assert ask(get, "DELETE").status == 403
    assert b"SignatureDoesNotMatch" in ask(get.replace("a%20b", "a%20c")).body
    assert b"SignatureDoesNotMatch" in ask(f"{get}&versionId=1").body


@pytest.mark.parametrize(
    ("age", "expires", "code"),
    [(10, 5, b"Request has expired"), (-1000, 5, b"not yet valid"), (0, 0, b"X-Amz-Expires"), (0, 604801, b"Expires")],
)
def test_an_url_that_is_too_old_too_new_or_too_long_is_refused(
    served: ServedBuckets, age: int, expires: int, code: bytes
) -> None:
    url = presign(
        "GET", f"{served.url}/{PLAIN}/k", {}, region=REGION, access_key=served.key.id, secret_key=served.key.secret,
        expires=expires, now=time.time() - age,
    )  # fmt: skip
    assert code in ask(url).body


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 400), st.binary(min_size=1, max_size=1))
def test_no_changed_presigned_url_goes_through(served: ServedBuckets, place: int, by: bytes) -> None:
    """Any byte of the query of a URL is changed: it is refused, or means the same."""
    url = presign(
        "GET", f"{served.url}/{PLAIN}/secret", {}, region=REGION, access_key=served.key.id,
        secret_key=served.key.secret, expires=60,
    )  # fmt: skip
    served.objects.commit(PLAIN, "secret", served.objects.draft(b"s"))
    start = url.index("?") + 1
    position = start + place % (len(url) - start)
    changed = (
        url[:position] + (by.decode("latin-1") if 33 < by[0] < 127 and by not in b"#" else "x") + url[position + 1 :]
    )
    assert changed == url or ask(changed).status in (400, 403, 404, 501)


def test_pages_may_do_what_the_bucket_allows_them_and_nothing_more(served: ServedBuckets) -> None:
    s3 = served.s3
    url = s3.generate_presigned_url("put_object", {"Bucket": PLAIN, "Key": "page"})
    wanted = {"Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "content-type"}
    allowed = ask(url, "OPTIONS", Origin=ORIGIN, **wanted)
    assert allowed.status == 200
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    assert allowed.headers["access-control-allow-methods"] == "GET, PUT"
    assert allowed.headers["access-control-max-age"] == "60"
    put = ask(url, "PUT", b"by a page", Origin=ORIGIN)
    assert (put.status, put.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert put.headers["access-control-expose-headers"] == "ETag"
    expired = ask(url.replace("X-Amz-Signature=", "X-Amz-Signature=0"), "PUT", b"", Origin=ORIGIN)
    assert (expired.status, expired.headers["access-control-allow-origin"]) == (403, ORIGIN), "pages see why"
    for origin, method, headers in (
        ("https://evil.example", "PUT", "content-type"),
        (ORIGIN, "DELETE", "content-type"),
        (ORIGIN, "PUT", "x-other"),
    ):
        asked = {"Access_Control_Request_Method": method, "Access_Control_Request_Headers": headers}
        assert ask(url, "OPTIONS", Origin=origin, **asked).status == 403
    assert ask(url, "PUT", b"x", Origin="https://evil.example").status == 403
    assert s3.get_object(Bucket=PLAIN, Key="page")["Body"].read() == b"by a page"
    assert ask(f"{served.url}/", "POST", b"{}", Origin=ORIGIN, X_Amz_Target="Logs.Anything").status == 403


@settings(max_examples=40, deadline=None)
@given(content=st.binary(max_size=60), sizes=st.integers(1, 20), damage=st.none() | st.integers(0, 5000))
def test_signed_chunks_are_decoded_and_any_damage_is_found(content: bytes, sizes: int, damage: int | None) -> None:
    import hashlib
    import hmac

    from klotho.localcloud.service import ApiError

    empty = hashlib.sha256(b"").hexdigest()

    def sign(kind: str, lines: str) -> str:
        return hmac.new(b"key", f"{kind}\nstamp\nscope\n{lines}".encode(), "sha256").hexdigest()

    before, body = "seed", b""
    chunks = [content[at : at + sizes] for at in range(0, len(content), sizes)]
    for chunk in [*chunks, b""]:
        before = sign("AWS4-HMAC-SHA256-PAYLOAD", f"{before}\n{empty}\n{hashlib.sha256(chunk).hexdigest()}")
        body += b"%x;chunk-signature=%s\r\n%s" % (len(chunk), before.encode(), chunk + (b"\r\n" if chunk else b""))
    headers = {"x-amz-decoded-content-length": str(len(content))}
    assert aws_chunked.decode(body + b"\r\n", headers, "seed", sign) == (content, {})
    if damage is not None:
        at = damage % len(body)
        broken = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        try:
            found, _ = aws_chunked.decode(broken + b"\r\n", headers, "seed", sign)
        except ApiError as error:
            assert error.code in ("IncompleteBody", "SignatureDoesNotMatch")
        else:
            assert found == content, "only the spelling of a size may change"


SCRIPT = """
const { config } = require(process.argv[1]);
(async () => {
  const files = config.buckets.get("files");
  const said = {};
  const key = "node/../a b+\\u00fc%2F";
  said.etag = await files.put(key, "hello", { contentType: "text/plain", metadata: { a: "1" } });
  said.content = (await files.get(key)).toString();
  said.missing = await files.get("node/none");
  said.head = await files.head(key);
  said.exists = [await files.exists(key), await files.exists("node/none")];
  const parts = [];
  for await (const part of await files.open(key)) parts.push(part);
  said.streamed = Buffer.concat(parts).toString();
  said.listed = [];
  for await (const item of files.list("node/")) said.listed.push([item.key, item.size]);
  try { await files.put(key, "again", { ifAbsent: true }); } catch (error) { said.refused = error.constructor.name; }
  said.fetched = await (await fetch(await files.presignedUrl("plain key"))).text();
  await files.delete(key);
  said.after = await files.exists(key);
  console.log(JSON.stringify(said));
})();
"""


def test_the_runtime_of_node_and_that_of_python_understand_each_other(
    served: ServedBuckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    from klotho import config

    grant = {"name": "files", "kind": "Storage.Bucket", "bucket": KEPT, "arn": f"arn:aws:s3:::{KEPT}", "access": "read"}
    environment = {
        "KLOTHO_BUCKET_FILES": json.dumps(grant), "AWS_ENDPOINT_URL": served.url, "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": served.key.id, "AWS_SECRET_ACCESS_KEY": served.key.secret,
    }  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    files = config.buckets.get("files")
    files.put("plain key", b"from python")
    done = subprocess.run(
        ["node", "-e", SCRIPT, str(NODE)], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    key = "node/../a b+ü%2F"
    assert (said["content"], said["streamed"], said["fetched"]) == ("hello", "hello", "from python")
    assert (said["missing"], said["exists"], said["after"]) == (None, [True, False], False)
    assert (said["head"]["size"], said["head"]["contentType"], said["head"]["metadata"]) == (
        5,
        "text/plain",
        {"a": "1"},
    )
    assert said["listed"] == [[key, 5]]
    assert said["refused"] == "ConditionFailedError"


def test_the_runtime_of_python_streams_files(
    served: ServedBuckets, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from klotho import config
    from klotho.runtime.errors import ConditionFailedError

    grant = {
        "name": "files",
        "kind": "Storage.Bucket",
        "bucket": PLAIN,
        "arn": f"arn:aws:s3:::{PLAIN}",
        "access": "read",
    }
    monkeypatch.setenv("KLOTHO_BUCKET_FILES", json.dumps(grant))
    monkeypatch.setenv("AWS_ENDPOINT_URL", served.url)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", served.key.id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", served.key.secret)
    files = config.buckets.get("files")
    content = os.urandom(3_000_000)
    (tmp_path / "f").write_bytes(content)
    with (tmp_path / "f").open("rb") as file:
        file.seek(1000)
        files.put("streamed", file)
    stream = files.open("streamed")
    assert stream is not None
    with stream:
        assert stream.read(10) == content[1000:1010]
        assert b"".join(stream) == content[1010:]
    assert files.get("nothing") is None
    assert files.open("nothing") is None
    with pytest.raises(ConditionFailedError):
        files.put("streamed", b"", if_absent=True)
    for number in range(3):
        files.put(f"list/{number}", b"x")
    assert [item.key for item in files.list("list/", limit=2)] == ["list/0", "list/1"]
    with pytest.raises(ValueError, match="604800"):
        files.presigned_url("k", expires=700000)
