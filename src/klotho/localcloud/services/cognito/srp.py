"""Secure Remote Password as Cognito speaks it: a password is proved and never sent.

Input: a username, a password, the numbers of one sign-in. Output: a salt and a verifier to keep, the server's number
`B`, and whether a client's signature is right. Refuses nothing; malformed numbers are False.

Source: RFC 5054 (the 3072-bit group) and amazon-cognito-identity-js, AuthenticationHelper: SHA-256, numbers padded to
an even number of hexadecimal digits with a leading zero byte where the first bit is set, HKDF with "Caldera Derived
Key".
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import NamedTuple

N = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B"
    "302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6"
    "49286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D"
    "670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"
    "3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7D"
    "B3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
G = 2
_INFO = b"Caldera Derived Key\x01"


class Verifier(NamedTuple):
    """What is kept of a password: both in hexadecimal."""

    salt: str
    value: str


def padded(number: int) -> bytes:
    """Big-endian, with a zero byte in front where the first bit is set."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _hash(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest(), "big")


K = _hash(padded(N), padded(G))


def _private(pool_name: str, username: str, password: str, salt: int) -> int:
    inner = hashlib.sha256(f"{pool_name}{username}:{password}".encode("utf-8", "surrogatepass")).digest()
    return _hash(padded(salt), inner)


def verifier_of(pool_name: str, username: str, password: str, salt: int | None = None) -> Verifier:
    """`pool_name`: the pool's id behind its underscore. A new salt unless one is given."""
    salt = secrets.randbits(128) if salt is None else salt
    value = pow(G, _private(pool_name, username, password, salt), N)
    return Verifier(padded(salt).hex(), padded(value).hex())


def is_password(verifier: Verifier, pool_name: str, username: str, password: str) -> bool:
    """Whether this is the password that was kept."""
    again = verifier_of(pool_name, username, password, int(verifier.salt, 16))
    return hmac.compare_digest(again.value, verifier.value)


def server_number(verifier: Verifier, secret: int) -> int:
    """`B`, from the server's secret number of this sign-in."""
    return (K * int(verifier.value, 16) + pow(G, secret, N)) % N


def is_proof(
    verifier: Verifier, secret: int, client_number: str, pool_name: str, username: str, block: bytes, timestamp: str,
    signature: bytes,
) -> bool:  # fmt: skip
    """Whether the client's signature shows that it knows the password."""
    try:
        a = int(client_number, 16)
    except ValueError:
        return False
    if a % N == 0:  # would make every password right
        return False
    u = _hash(padded(a), padded(server_number(verifier, secret)))
    shared = pow(a * pow(int(verifier.value, 16), u, N), secret, N)
    key = hmac.digest(hmac.digest(padded(u), padded(shared), "sha256"), _INFO, "sha256")[:16]
    message = pool_name.encode() + username.encode() + block + timestamp.encode("utf-8", "surrogatepass")
    return hmac.compare_digest(hmac.digest(key, message, "sha256"), signature)
