"""Logins to PostgreSQL by tokens of IAM, as RDS takes them: between the client and the server, which knows no tokens.

Input: a decrypted connection whose client says who it is. Output: True once the client may go on: users that are no
members of `rds_iam` are passed on as they are; of the others a token is asked for in place of a password, and the
server is given a password that only we know. Refuses, in RDS's words, a token that is not signed by an access key of
this cloud, is older than 15 minutes or for another host, port or user, and a role without `rds-db:connect` on exactly
this user, with the reason as the error's detail. Protocol: PostgreSQL documentation, "Message Flow", "SASL
Authentication"; tokens: Amazon RDS User Guide, "Connecting to your DB instance using IAM authentication".
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from klotho.localcloud.credentials import Credentials
from klotho.localcloud.identity import arn
from klotho.localcloud.permissions.evaluate import Decision, Need
from klotho.localcloud.planes.tls_front import Ends, Introduction
from klotho.localcloud.service import ApiError, session_arn
from klotho.localcloud.sigv4_check import RawRequest, verify

_PATIENCE_S = 30.0
_LONGEST = 100_000
_SECONDS = 900
_CLEARTEXT, _SASL, _SASL_CONTINUE, _SASL_FINAL = 3, 10, 11, 12
_MECHANISM = b"SCRAM-SHA-256"

Password = Callable[[str], Awaitable[str | None]]
"""The password that the server takes of a user of tokens; None for a user that is none."""
Check = Callable[[str, str], str | None]
"""Why this token of this user is not taken; None where it is."""


def token_logins(password: Password, check: Check) -> Introduction:
    """For one server."""

    async def introduce(client: Ends, server: Ends) -> bool:
        reader, writer = client
        startup = await _startup(reader)
        user = _user(startup)
        known = await password(user)
        server[1].write(startup)
        if known is None:
            return True
        writer.write(b"R" + struct.pack("!ii", 8, _CLEARTEXT))
        kind, body = await _message(reader)
        why = check(user, body.rstrip(b"\0").decode(errors="replace")) if kind == b"p" else "it sent no token"
        if why is not None:
            writer.write(_refusal(user, why))
            await writer.drain()
            return False
        writer.write(await _log_in(server, user, known))
        return True

    return introduce


async def _startup(reader: asyncio.StreamReader) -> bytes:
    head = await asyncio.wait_for(reader.readexactly(4), _PATIENCE_S)
    (length,) = struct.unpack("!i", head)
    if not 8 <= length <= _LONGEST:
        raise EOFError
    return head + await asyncio.wait_for(reader.readexactly(length - 4), _PATIENCE_S)


def _user(startup: bytes) -> str:
    words = startup[8:].split(b"\0")
    said = dict(zip(words[::2], words[1::2], strict=False))
    return said.get(b"user", b"").decode(errors="replace")


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await asyncio.wait_for(reader.readexactly(5), _PATIENCE_S)
    (length,) = struct.unpack("!i", head[1:])
    if not 4 <= length <= _LONGEST:
        raise EOFError
    return head[:1], await asyncio.wait_for(reader.readexactly(length - 4), _PATIENCE_S)


async def _log_in(server: Ends, user: str, password: str) -> bytes:
    """By SCRAM, in the client's place; the server's word that it is done."""
    from scramp import ScramClient

    reader, writer = server
    scram = ScramClient([_MECHANISM.decode()], user, password)
    await _asked(reader, _SASL)
    first = scram.get_client_first().encode()
    _say(writer, _MECHANISM + b"\0" + struct.pack("!i", len(first)) + first)
    scram.set_server_first((await _asked(reader, _SASL_CONTINUE)).decode())
    _say(writer, scram.get_client_final().encode())
    scram.set_server_final((await _asked(reader, _SASL_FINAL)).decode())
    await _asked(reader, 0)
    return b"R" + struct.pack("!ii", 8, 0)


async def _asked(reader: asyncio.StreamReader, code: int) -> bytes:
    kind, body = await _message(reader)
    if kind != b"R" or struct.unpack("!i", body[:4])[0] != code:
        raise EOFError
    return body[4:]


def _say(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(b"p" + struct.pack("!i", len(body) + 4) + body)


def _refusal(user: str, why: str) -> bytes:
    """What RDS answers, which never says why; this cloud does, in the detail."""
    message = f'PAM authentication failed for user "{user}"'
    fields = (("S", "FATAL"), ("V", "FATAL"), ("C", "28000"), ("M", message), ("D", why))
    body = b"".join(f"{name}{value}\0".encode() for name, value in fields) + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body


class TokenCheck:
    """Of the tokens for one database."""

    def __init__(
        self,
        credentials: Credentials,
        decide: Callable[[str, Need], Decision],
        place: tuple[str, str],
        address: str,
        resource_id: str,
    ) -> None:
        """`place`: region and account; `address`: `host:port`, as it is signed; `resource_id`: `db-…`, `cluster-…`."""
        self._credentials, self._decide, self._place = credentials, decide, place
        self._address, self._resource_id = address, resource_id

    def __call__(self, user: str, token: str) -> str | None:
        address, _, query = token.partition("/?")
        given = dict(parse_qsl(query, keep_blank_values=True))
        if not query or address != self._address:
            return f"it is no token of IAM for {self._address}: this user logs in by tokens, and has no password"
        if given.get("Action") != "connect" or given.get("DBUser") != user:
            return f"the token is of another user: {given.get('DBUser', '')}"
        expires = given.get("X-Amz-Expires", "")
        if not expires.isdecimal() or int(expires) > _SECONDS:
            return f"the token says X-Amz-Expires={expires}; RDS takes at most {_SECONDS}"
        request = RawRequest("GET", "/", query, {"host": address}, b"")
        try:
            signer, _ = verify(request, self._credentials.caller_of, presigned_for="rds-db")
            self._credentials.check_session(signer.caller.access_key, given.get("X-Amz-Security-Token"))
        except ApiError as error:
            return f"{error.code}: {error.message}"
        if signer.caller.role_arn is None:
            return None
        region, account = self._place
        need = Need("rds-db:connect", arn("rds-db", f"dbuser:{self._resource_id}/{user}", region, account))
        decision = self._decide(signer.caller.role_arn, need)
        if decision.allowed:
            return None
        who = session_arn(signer.caller, account)
        return f"User: {who} is not authorized to perform: {need.action} on resource: {need.resource} {decision.reason}"
