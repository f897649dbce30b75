"""A city's identity provider on loopback, which tells the truth or, as told, does not."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from equipment.foundation.clock import Clock

CLIENT, SECRET = "teshe", "agreed-with-the-city"


@dataclass
class CityProvider:
    """``lies`` are claims that are put over the true ones; ``forge`` signs otherwise."""

    clock: Clock
    address: str = ""
    subject: str = "u-0001"
    lies: dict[str, Any] = field(default_factory=dict)
    forge: str = ""
    broken: bool = False
    called: str | None = None
    """What it calls itself, if not by its address."""
    keys: list[ECKey] = field(default_factory=lambda: [ECKey.generate_key("P-256", {"kid": "first"})])
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    key_fetches: int = 0

    def rotate(self) -> None:
        """A fresh key, under another name; the old one is gone."""
        self.keys = [ECKey.generate_key("P-256", {"kid": secrets.token_hex(4)})]

    def authorise(self, address: str) -> str:
        """Somebody signs in: the address to which the browser is sent back."""
        asked = {k: v[0] for k, v in parse_qs(urlsplit(address).query).items()}
        assert (asked["response_type"], asked["client_id"], asked["code_challenge_method"]) == ("code", CLIENT, "S256")
        assert asked["scope"] == "openid"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?code={code}&state={asked['state']}"

    def document(self) -> dict[str, Any]:
        """What it says of itself."""
        return {
            "issuer": self.called or self.address, "authorization_endpoint": f"{self.address}/authorise",
            "token_endpoint": f"{self.address}/token", "jwks_uri": f"{self.address}/keys",
        }  # fmt: skip

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Exchange a code, once, for whoever has the verifier and the secret."""
        asked = self.codes.pop(form.get("code", ""), None)
        right = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if asked is None or authorization != right or challenge.rstrip(b"=").decode() != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": self.id_token(asked["nonce"])}

    def id_token(self, nonce: str) -> str:
        now = int(self.clock.now().timestamp())
        claims = {"iss": self.address, "sub": self.subject, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce}
        claims = {k: v for k, v in (claims | self.lies).items() if v is not None}
        if self.forge == "shared-secret":
            return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET * 2))
        if self.forge == "none":
            part = [json.dumps(p).encode() for p in ({"alg": "none"}, claims)]
            return ".".join(base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in part) + "."
        key = ECKey.generate_key("P-256", {"kid": str(self.keys[0].kid)}) if self.forge == "key" else self.keys[0]
        return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)


@contextmanager
def city_provider(clock: Clock) -> Iterator[CityProvider]:
    """The provider, answering on a port of its own."""
    city = CityProvider(clock)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if city.broken:
                self.say(503, {})
            elif self.path == "/keys":
                city.key_fetches += 1
                self.say(200, KeySet(list(city.keys)).as_dict(private=False))
            else:
                assert self.path == "/.well-known/openid-configuration"
                self.say(200, city.document())

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            self.say(*city.token({k: v[0] for k, v in form.items()}, self.headers.get("authorization", "")))

        def say(self, status: int, content: Any) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    city.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield city
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
