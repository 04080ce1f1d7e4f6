"""A small client for one bucket: bytes in and out by key, presigned URLs; standard library only.

Contents may be files: they are sent and read piece by piece. One put takes up to 5 GiB. Not carried: uploads in parts,
versions, tags; for those use an AWS SDK with `.bucket` and `.endpoint_url`. Raises AwsError for what S3 refuses,
ConditionFailedError for a condition that does not hold.
"""

from __future__ import annotations

import hashlib
from urllib.parse import quote, urlencode

from klotho.runtime.errors import AwsError, ConditionFailedError, WrongKindError
from klotho.runtime.grants import this_service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType
    from typing import Any, BinaryIO

    from klotho.runtime.grants import Grant
    from klotho.runtime.queue import Message
    from klotho.runtime.transport import Response

MAX_EXPIRY_S = 604800
"""Of a presigned URL: seven days."""
_PIECE = 1024 * 1024
_READ_TIMEOUT_S = 60.0


def bucket(grant: Grant) -> Bucket:
    """The bucket that was granted; WrongKindError for a kind this runtime does not know."""
    if grant.kind != "Storage.Bucket":
        raise WrongKindError(
            f"bucket {grant.name!r} is a {grant.kind or 'thing without a kind'}, which this version of the runtime "
            "does not know; it knows Storage.Bucket"
        )
    return Bucket(grant)


class Bucket:
    """A bucket: `name` as in infra.py, `bucket` as AWS knows it. Safe to use from several threads."""

    __slots__ = ("_queue_url", "access", "arn", "bucket", "kind", "name")

    def __init__(self, grant: Grant) -> None:
        self.name = grant.name
        self.kind = grant.kind
        self.bucket = str(grant["bucket"])
        self.arn = str(grant["arn"])
        self.access = str(grant.fields.get("access", ""))
        self._queue_url = grant.fields.get("queue")

    def __repr__(self) -> str:
        return f"<Bucket {self.name!r} {self.bucket}>"

    @property
    def region(self) -> str:
        from klotho.runtime.aws import region_of

        return region_of()

    @property
    def endpoint_url(self) -> str | None:
        """For an AWS SDK's `endpoint_url`: None on AWS, the local cloud's address there, where SDKs need path style."""
        from klotho.runtime.aws import configured_endpoint

        return configured_endpoint("s3")

    def receive(self, limit: int = 10, *, wait: int = 20, visibility: int | None = None) -> list[Message]:
        """In a container that is `triggered_by` the bucket: up to `limit` events (1 to 10), none when none came within
        `wait` seconds.

        `config.buckets.event(message.payload)` reads one. As with a queue, each is hidden for `visibility` seconds
        (default 30); `delete` it when it was handled, else it is delivered again, five times in all. ValueError in a
        service that is not triggered by it.
        """
        from klotho.runtime.inbox import inbox

        queue = inbox(self.name, "bucket", "triggered_by", self._queue_url)
        return queue.receive(limit, wait=wait, visibility=visibility)

    def put(
        self,
        key: str,
        content: bytes | str | BinaryIO,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        if_absent: bool = False,
    ) -> str:
        """Store an object, or replace it; its ETag. Durable when it returns.

        `content`: bytes, text (as UTF-8), or a file that can be read twice, from where it stands. `metadata`: names and
        values in ASCII. `if_absent`: ConditionFailedError when there is one already.
        """
        headers = {f"x-amz-meta-{name}": value for name, value in (metadata or {}).items()}
        if content_type is not None:
            headers["Content-Type"] = content_type
        if if_absent:
            headers["If-None-Match"] = "*"
        if isinstance(content, str):
            content = content.encode()
        if isinstance(content, (bytes, bytearray, memoryview)):
            response = self._request("PUT", key, headers, bytes(content))
        else:
            digest, length = _measured(content)
            headers["Content-Length"] = str(length)
            response = self._request("PUT", key, headers, content, payload_hash=digest)
        return response.headers["etag"].strip('"')

    def get(self, key: str) -> bytes | None:
        """The content; None when there is no such object."""
        response = self._found("GET", key)
        return None if response is None else response.body

    def open(self, key: str) -> Stream | None:
        """The content to be read piece by piece: `with bucket.open(key) as file`; None when there is no such object."""
        response = self._found("GET", key, keep=True)
        return None if response is None else Stream(response)

    def head(self, key: str) -> Object | None:
        """What is known of the object; None when there is none."""
        response = self._found("HEAD", key)
        if response is None:
            return None
        headers = response.headers
        own = {name[11:]: value for name, value in headers.items() if name.startswith("x-amz-meta-")}
        kind = headers.get("content-type", "")
        size, etag = int(headers["content-length"]), headers["etag"].strip('"')
        return Object(key, size, etag, headers.get("last-modified", ""), kind, own)

    def exists(self, key: str) -> bool:
        return self._found("HEAD", key) is not None

    def delete(self, key: str) -> None:
        """Remove the object; one that is gone already is fine."""
        self._request("DELETE", key, {}, b"")

    def list(self, prefix: str = "", *, limit: int | None = None) -> Iterator[Object]:
        """The objects whose keys begin so, in the order of the keys, at most `limit`; loaded by the thousand."""
        from xml.etree import ElementTree

        query, left = {"list-type": "2", "prefix": prefix, "encoding-type": "url"}, limit
        while left is None or left > 0:
            response = self._request("GET", None, {}, b"", query={k: v for k, v in query.items() if v})
            document = _plain(ElementTree.fromstring(response.body))
            for item in document.iter("Contents"):
                if left is not None:
                    if left == 0:
                        return
                    left -= 1
                yield _listed(item)
            token = document.findtext("NextContinuationToken")
            if not token:
                return
            query["continuation-token"] = token

    def presigned_url(
        self, key: str, *, method: str = "GET", expires: int = 3600, content_type: str | None = None
    ) -> str:
        """A URL with which whoever has it may do this one thing for `expires` seconds (at most 604800, and not longer
        than this service's own credentials are good).

        `method`: GET, HEAD, PUT or DELETE. `content_type`: of a PUT, which must then send exactly this header.
        """
        if not 1 <= expires <= MAX_EXPIRY_S:
            raise ValueError(f"expires must be from 1 to {MAX_EXPIRY_S} seconds, not {expires}")
        if method not in ("GET", "HEAD", "PUT", "DELETE"):
            raise ValueError(f"method must be GET, HEAD, PUT or DELETE, not {method!r}")
        from klotho.runtime import credentials
        from klotho.runtime.sigv4 import presign

        used = credentials.current()
        headers = {"content-type": content_type} if content_type is not None else {}
        return presign(
            method, self._base() + _path(key), headers, region=self.region, access_key=used.access_key,
            secret_key=used.secret_key, session_token=used.session_token, expires=expires,
        )  # fmt: skip

    def _base(self) -> str:
        """By host name on AWS (`images.s3.eu-west-1.amazonaws.com`), by path at any other endpoint."""
        from klotho.runtime.aws import endpoint_of

        endpoint = endpoint_of("s3", self.region)
        scheme, _, host = endpoint.partition("://")
        # A certificate of AWS's does not cover names with dots.
        return (
            f"{endpoint}/{self.bucket}"
            if self.endpoint_url or "." in self.bucket
            else f"{scheme}://{self.bucket}.{host}"
        )

    def _found(self, method: str, key: str, *, keep: bool = False) -> Response | None:
        try:
            return self._request(method, key, {}, b"", keep=keep)
        except AwsError as error:
            if error.status == 404 and error.code != "NoSuchBucket":
                return None
            raise

    def _request(
        self,
        method: str,
        key: str | None,
        headers: Mapping[str, str],
        body: bytes | BinaryIO,
        *,
        query: Mapping[str, str] | None = None,
        payload_hash: str | None = None,
        keep: bool = False,
    ) -> Response:
        from klotho.runtime.aws import request  # here, for it brings http and TLS along

        path = ("/" if key is None else _path(key)) + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        try:
            return request(
                "s3", method, path, headers, body, read_timeout=_READ_TIMEOUT_S, base=self._base(),
                payload_hash=payload_hash, keep=keep,
            )  # fmt: skip
        except AwsError as error:
            raise self._explained(method, error) from error

    def _explained(self, method: str, error: AwsError) -> AwsError:
        known = (error.service, error.code, error.message, error.status, error.request_id)
        if error.code in ("PreconditionFailed", "ConditionalRequestConflict") or error.status == 412:
            return ConditionFailedError(*known)
        if error.status != 403 or error.code not in ("AccessDenied", "HTTP403") or not self.access:
            return error
        verb = "reads_from" if method in ("GET", "HEAD") else "writes_to"
        text = (
            f"{error.message} (bucket {self.name!r} was granted to this service as {self.access!r}; for {method} write "
            f"{this_service() or 'this_service'}.{verb}({self.name}) in infra.py and run `klotho up`)"
        )
        return AwsError(error.service, "AccessDenied", text, error.status, error.request_id)


class Object:
    """What is known of an object without its content."""

    __slots__ = ("content_type", "etag", "key", "metadata", "modified", "size")

    def __init__(
        self,
        key: str,
        size: int,
        etag: str,
        modified: str,
        content_type: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.key = key
        self.size = size
        """Bytes."""
        self.etag = etag
        self.modified = modified
        """As S3 writes it: ISO 8601 in listings, an HTTP date of `head`."""
        self.content_type = content_type
        """Of `head` only; listings do not have it, nor `metadata`."""
        self.metadata = dict(metadata or {})

    def __repr__(self) -> str:
        return f"<Object {self.key!r} {self.size} bytes>"


class Stream:
    """The content of an object, read from the network as it is asked for. Close it, or use `with`."""

    __slots__ = ("_response", "size")

    def __init__(self, response: Response) -> None:
        self._response = response.stream
        self.size = int(response.headers.get("content-length", 0))
        """Bytes, all of them."""

    def read(self, size: int = -1) -> bytes:
        """The next bytes, empty at the end; AwsError when the connection breaks."""
        import http.client

        assert self._response is not None
        try:
            return self._response.read(None if size < 0 else size)
        except (OSError, http.client.HTTPException) as error:
            raise AwsError("s3", "ConnectionError", str(error) or type(error).__name__) from error

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(_PIECE):
            yield piece

    def close(self) -> None:
        if self._response is not None:
            self._response.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ObjectEvent:
    """What a function is told that is `triggered_by` a bucket."""

    __slots__ = ("bucket", "etag", "key", "kind", "reason", "sequencer", "size", "version")

    def __init__(self, event: Mapping[str, Any]) -> None:
        """ValueError for an event that is none of a bucket."""
        try:
            detail = event["detail"]
            found = detail["object"]
            self.kind = {"Object Created": "created", "Object Deleted": "removed"}[event["detail-type"]]
            self.bucket = str(detail["bucket"]["name"])
            """The bucket's physical name."""
            self.key = str(found["key"])
            """As it is, not percent-encoded."""
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError("this is no event of a bucket's objects, as EventBridge sends them") from error
        self.size = found.get("size")
        """Bytes; None of a removed object."""
        self.etag = found.get("etag")
        self.version = found.get("version-id")
        """None in a bucket without versioning."""
        self.sequencer = str(found.get("sequencer", ""))
        """Of one key the event with the greater text is the later one: events may come twice, and not in order."""
        self.reason = str(detail.get("reason", ""))
        """`PutObject`, `CopyObject`, `CompleteMultipartUpload`, `DeleteObject`, `Lifecycle Expiration` …"""

    def __repr__(self) -> str:
        return f"<ObjectEvent {self.kind} {self.key!r}>"


def _path(key: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key is a str, not {type(key).__name__}")
    if not key:
        raise ValueError("a key can't be empty")
    return "/" + quote(key, safe="/-_.~")


def _measured(content: BinaryIO) -> tuple[str, int]:
    """SHA-256 and length from where the file stands; it stands there again afterwards."""
    begins, digest, length = content.tell(), hashlib.sha256(), 0
    while piece := content.read(_PIECE):
        digest.update(piece)
        length += len(piece)
    content.seek(begins)
    return digest.hexdigest(), length


def _plain(document: Any) -> Any:
    """Without namespaces."""
    for element in document.iter():
        element.tag = element.tag.rpartition("}")[2]
    return document


def _listed(item: Any) -> Object:
    from urllib.parse import unquote

    text = {child.tag: child.text or "" for child in item}
    return Object(unquote(text["Key"]), int(text["Size"]), text["ETag"].strip('"'), text["LastModified"])
