"""Checksums of contents: what a client sent is compared, and kept with the object.

Source: S3 User Guide, "Checking object integrity in Amazon S3" (algorithms; composite and full-object checksums of
multipart uploads).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import zlib
from collections.abc import Callable, Mapping

from klotho.localcloud.service import ApiError

PREFIX = "x-amz-checksum-"
NOT_CHECKSUMS = frozenset({f"{PREFIX}algorithm", f"{PREFIX}mode", f"{PREFIX}type"})


def _crc32c(content: bytes) -> bytes:
    from awscrt import checksums  # AWS's own; Python's library has no CRC-32C, and one in Python would be slow

    return int(checksums.crc32c(content)).to_bytes(4, "big")


def _crc64nvme(content: bytes) -> bytes:
    from awscrt import checksums

    return int(checksums.crc64nvme(content)).to_bytes(8, "big")


ALGORITHMS: Mapping[str, Callable[[bytes], bytes]] = {
    "crc32": lambda content: zlib.crc32(content).to_bytes(4, "big"),
    "crc32c": _crc32c,
    "crc64nvme": _crc64nvme,
    "sha1": lambda content: hashlib.sha1(content, usedforsecurity=False).digest(),
    "sha256": lambda content: hashlib.sha256(content).digest(),
}
FULL_OBJECT = frozenset({"crc32", "crc32c", "crc64nvme"})
"""Those a multipart object can have over all its content; of the others only composite ones exist."""


def checksum(algorithm: str, content: bytes) -> str:
    """As it stands in headers and documents: base64."""
    return base64.b64encode(ALGORITHMS[algorithm](content)).decode()


def composite(algorithm: str, parts: list[str]) -> str:
    """The checksum of the parts' checksums, with their number."""
    joined = b"".join(base64.b64decode(part) for part in parts)
    return f"{checksum(algorithm, joined)}-{len(parts)}"


def check_content(headers: Mapping[str, str], content: bytes) -> None:
    """Compare `Content-MD5` and `x-amz-checksum-*` headers (and trailers) with the content: BadDigest."""
    for name, value in headers.items():
        if name == "content-md5":
            actual = hashlib.md5(content, usedforsecurity=False).digest()
        elif name.startswith(PREFIX) and name not in NOT_CHECKSUMS:
            algorithm = ALGORITHMS.get(name.removeprefix(PREFIX))
            if algorithm is None:
                raise ApiError("InvalidRequest", f"The header {name} is no checksum that S3 knows.")
            actual = algorithm(content)
        else:
            continue
        if not _same_digest(value, actual):
            raise ApiError("BadDigest", f"The {name} you specified did not match the calculated checksum.")


def _same_digest(value: str, actual: bytes) -> bool:
    try:
        return hmac.compare_digest(base64.b64decode(value, validate=True), actual)
    except (binascii.Error, ValueError):
        return False
