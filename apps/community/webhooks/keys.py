"""The keys of webhooks: made, kept encrypted, and used to sign (Standard Webhooks 1.0.0).

`v1` is HMAC-SHA256 under a secret `whsec_…` that both sides hold; `v1a` is ed25519, where the
receiver holds only the public half `whpk_…`.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime
from functools import cache

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from standardwebhooks import Webhook

ALGORITHMS = ("v1", "v1a")
SECRET_BYTES = 32


def new_key() -> bytes:
    """Thirty-two random bytes: a secret for HMAC, or the seed of an ed25519 key."""
    return secrets.token_bytes(SECRET_BYTES)


def shown(key: bytes, algorithm: str) -> str:
    """What its owner copies to the receiver: the secret of v1, the public key of v1a."""
    if algorithm == "v1a":
        public = Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()
        return f"whpk_{base64.b64encode(public).decode()}"
    return f"whsec_{base64.b64encode(key).decode()}"


def signature(key: bytes, algorithm: str, *, message_id: str, at: datetime, body: str) -> str:
    """The signature over `id.timestamp.body`, with the name of its algorithm before it."""
    if algorithm == "v1":
        return Webhook(key).sign(msg_id=message_id, timestamp=at, data=body)
    signed = f"{message_id}.{int(at.timestamp())}.{body}".encode()
    made = Ed25519PrivateKey.from_private_bytes(key).sign(signed)
    return f"v1a,{base64.b64encode(made).decode()}"


def sealed(key: bytes) -> bytes:
    """The key as it is stored."""
    return _box().encrypt(key)


def opened(stored: bytes | memoryview) -> bytes:
    """The key behind what is stored."""
    return _box().decrypt(bytes(stored))


@cache
def _box() -> Fernet:
    derived = hashlib.sha256(b"webhook keys\0" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(derived))
