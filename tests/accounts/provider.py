"""A small OpenID Connect provider over loopback: discovery, codes, PKCE, signed tokens."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "openflywheel", "a secret of the provider and us"
PERSON = {"sub": "42", "preferred_username": "Willow", "email": "willow@example.org"}


class Provider(ThreadingHTTPServer):
    """Signs everybody in as `PERSON`, and remembers which codes it gave."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.codes: dict[str, dict[str, str]] = {}
        self.refused: list[str] = []


class Answers(BaseHTTPRequestHandler):
    """One request to the provider."""

    server: Provider

    def log_message(self, *args: Any) -> None:
        """Tests speak for themselves."""

    def do_GET(self) -> None:
        """Discovery, keys, the person's consent (always given), and who they are."""
        split = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(split.query).items()}
        if split.path == "/.well-known/openid-configuration":
            self._say({
                "issuer": self.server.url,
                "authorization_endpoint": f"{self.server.url}/authorize",
                "token_endpoint": f"{self.server.url}/token",
                "userinfo_endpoint": f"{self.server.url}/userinfo",
                "jwks_uri": f"{self.server.url}/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            })  # fmt: skip
        elif split.path == "/keys":
            public = jwt.algorithms.RSAAlgorithm.to_jwk(self.server.key.public_key(), as_dict=True)
            self._say({"keys": [public | {"kid": "one", "alg": "RS256", "use": "sig"}]})
        elif split.path == "/authorize" and asked["client_id"] == CLIENT:
            code = secrets.token_urlsafe()
            self.server.codes[code] = asked
            answer = urlencode({"code": code, "state": asked["state"]})
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri']}?{answer}")
            self.end_headers()
        elif split.path == "/userinfo" and self.headers["Authorization"] == "Bearer good":
            self._say(PERSON)
        else:
            self._say({"error": "invalid_request"}, 400)

    def do_POST(self) -> None:
        """A code, once, with its verifier and our secret, for tokens."""
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = {name: values[0] for name, values in parse_qs(text).items()}
        given = self.server.codes.pop(asked.get("code", ""), None)
        hashed = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
        if (
            not given
            or asked.get("client_secret") != SECRET
            or given["code_challenge"] != challenge
        ):
            self.server.refused.append(self.path)
            self._say({"error": "invalid_grant"}, 400)
            return
        now = int(time.time())
        claims = PERSON | {
            "iss": self.server.url, "aud": CLIENT, "iat": now, "exp": now + 60
        }  # fmt: skip
        token = jwt.encode(claims, self.server.key, "RS256", headers={"kid": "one"})
        self._say({"access_token": "good", "token_type": "Bearer", "id_token": token})

    def _say(self, body: dict[str, Any], status: int = 200) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@contextmanager
def running() -> Iterator[Provider]:
    """The provider, listening."""
    provider = Provider()
    thread = Thread(target=provider.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.shutdown()
        provider.server_close()
        thread.join()
