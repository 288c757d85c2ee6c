"""The text of a token: `ofw_pat_`, thirty random characters, six of checksum.

The prefix lets secret scanners find a leaked token, the checksum lets them (and us) tell a typing
error from an unknown token without asking the database.
"""

from __future__ import annotations

import hashlib
import secrets
import string
import zlib

from apps.accounts.errors import BadToken

PREFIX = "ofw_pat_"
ALPHABET = string.digits + string.ascii_letters
RANDOM = 30
CHECKSUM = 6
# For secret scanners; POST /api/v1/tokens/revoke-leaked ends what they find.
PATTERN = rf"{PREFIX}[0-9A-Za-z]{{{RANDOM + CHECKSUM}}}"


def new_text() -> str:
    """A fresh token text (178 bits of randomness)."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM))
    return PREFIX + body + checksum(body)


def checksum(body: str) -> str:
    """CRC-32 of the random part in base 62, six characters."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECKSUM):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def digest_of(text: str) -> str:
    """What is stored of a token: SHA-256 (hex); its randomness makes a slow hash needless."""
    return hashlib.sha256(text.encode()).hexdigest()


def ensure_well_formed(text: str) -> None:
    """`BadToken` when the text cannot be one of our tokens."""
    body = text.removeprefix(PREFIX)
    if not text.startswith(PREFIX) or len(body) != RANDOM + CHECKSUM:
        raise BadToken(f"this is not a token; tokens start with {PREFIX} and have 44 characters")
    if checksum(body[:RANDOM]) != body[RANDOM:]:
        raise BadToken("the token's checksum is wrong; copy it again, whole")
