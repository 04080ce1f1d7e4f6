"""Bodies in `aws-chunked` encoding: how SDKs upload what they have not read yet, with a checksum behind it.

Input: the raw body, and for signed chunks the chain of signatures. Output: content and trailers. Refuses malformed
bodies (`IncompleteBody`) and wrong chunk signatures. Trailing checksums are the service's to compare.

Source: "Signature calculations for the Authorization header: transferring payload in multiple chunks" and "… with
trailers", Amazon S3 API Reference.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping

from klotho.localcloud.service import ApiError

UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
FORMS = frozenset({UNSIGNED_TRAILER, SIGNED, SIGNED_TRAILER})

_EMPTY = hashlib.sha256(b"").hexdigest()
_SIGNATURE = "x-amz-trailer-signature"
Sign = Callable[[str, str], str]
"""The signature over a kind (`AWS4-HMAC-SHA256-PAYLOAD`) and the lines that come after the scope."""


def decode(
    body: bytes, headers: Mapping[str, str], seed: str | None = None, sign: Sign | None = None
) -> tuple[bytes, dict[str, str]]:
    """Content and trailers. With `sign` every chunk is signed, the first over `seed`, the request's own signature."""
    position, parts, before = 0, [], seed or ""
    while True:
        end = body.find(b"\r\n", position)
        size_text, _, extension = (body[position:end] if end >= 0 else b"").partition(b";")
        if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", size_text):
            raise ApiError("IncompleteBody", "The aws-chunked body is malformed.")
        size = int(size_text, 16)
        position = end + 2
        chunk = body[position : position + size]
        if sign is not None:
            before = _checked(extension, sign, before, chunk)
        if size == 0:
            break
        if len(chunk) != size or body[position + size : position + size + 2] != b"\r\n":
            raise ApiError("IncompleteBody", "The aws-chunked body ends before its length.")
        parts.append(chunk)
        position += size + 2
    content = b"".join(parts)
    declared = headers.get("x-amz-decoded-content-length")
    if declared is not None and declared != str(len(content)):
        raise ApiError("IncompleteBody", "x-amz-decoded-content-length is not the length of the content.")
    return content, _trailers(body[position:], headers, before, sign)


def _checked(extension: bytes, sign: Sign, before: str, chunk: bytes) -> str:
    given = extension.removeprefix(b"chunk-signature=")
    wanted = sign("AWS4-HMAC-SHA256-PAYLOAD", f"{before}\n{_EMPTY}\n{hashlib.sha256(chunk).hexdigest()}")
    if not hmac.compare_digest(given, wanted.encode()):
        raise ApiError("SignatureDoesNotMatch", "The chunk signature does not match the one we calculated.", 403)
    return wanted


def _trailers(rest: bytes, headers: Mapping[str, str], before: str, sign: Sign | None) -> dict[str, str]:
    lines = (line.partition(b":") for line in rest.split(b"\r\n") if b":" in line)
    found = {name.decode("latin-1").strip().lower(): v.decode("latin-1").strip() for name, _, v in lines}
    signature = found.pop(_SIGNATURE, None)
    announced = {name.strip().lower() for name in headers.get("x-amz-trailer", "").split(",") if name.strip()}
    if set(found) - announced:
        raise ApiError("MalformedTrailerError", "The trailer was not announced in x-amz-trailer.")
    if sign is not None and found:
        text = "".join(f"{name}:{value}\n" for name, value in found.items())
        wanted = sign("AWS4-HMAC-SHA256-TRAILER", f"{before}\n{hashlib.sha256(text.encode()).hexdigest()}")
        if not hmac.compare_digest((signature or "").encode(), wanted.encode()):
            raise ApiError("SignatureDoesNotMatch", "The trailer signature does not match.", 403)
    return found
