"""统一身份认证: OpenID Connect against a city's identity provider (authorisation code with PKCE, state and nonce).

What the provider says is believed after the signature, issuer, audience, times and nonce of its ID token were checked,
at the platform's own clock. Keys are fetched anew when a token names one that is not known, at most once a minute.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from dashboards.errors import IdentityProviderError, SignInRefusedError
from dashboards.settings import WebSettings, acceptable
from equipment.access.subjects import Attempt
from equipment.foundation.clock import Clock
from equipment.foundation.logs import get_logger

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""Signatures only: with HS256 our own secret would sign, and "none" signs nothing."""
BACK = "/login/city/back"
LEEWAY_SECONDS = 60
"""How far the provider's clock may be from ours."""
DISCOVERY_LIFETIME = timedelta(hours=1)
KEYS_PAUSE = timedelta(minutes=1)
TIMEOUT_SECONDS = 10.0
LONGEST_SUBJECT = 255
WELL_KNOWN = "/.well-known/openid-configuration"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")

log = get_logger("dashboards.identity_provider")


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the provider says it has. ``strong``: it asked for more than a password."""

    subject: str
    strong: bool


class IdentityProvider:
    """One provider, as one web process knows it; safe to share between threads."""

    def __init__(self, settings: WebSettings, clock: Clock, transport: httpx2.BaseTransport | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._transport = transport
        self._lock = threading.Lock()
        self._found: tuple[Mapping[str, Any], datetime] | None = None
        self._keys: tuple[KeySet, datetime] | None = None

    @property
    def issuer(self) -> str:
        """The provider's name in its tokens."""
        return self._settings.oidc_issuer

    def address(self, attempt: Attempt) -> str:
        """Where the browser goes to sign in.

        Raises
        ------
        IdentityProviderError
        """
        endpoint = self._discovery()["authorization_endpoint"]
        with self._client() as client:
            address, _ = client.create_authorization_url(
                endpoint, state=attempt.state, nonce=attempt.nonce, code_verifier=attempt.verifier
            )
        return str(address)

    def person(self, code: str, nonce: str, verifier: str) -> Person:
        """Exchange the code and check who it is for.

        Raises
        ------
        SignInRefusedError
            The provider does not know the code, or its token is not right.
        IdentityProviderError
            The provider does not answer as one.
        """
        endpoint = self._discovery()["token_endpoint"]
        try:
            with self._client() as client:
                answer = client.fetch_token(
                    endpoint, grant_type="authorization_code", code=code, code_verifier=verifier
                )
        except OAuthError as error:
            raise _refused(f"code: {error.error}") from None
        except (httpx2.HTTPError, ValueError) as error:
            raise _unreachable(error) from error
        text = answer.get("id_token")
        if not isinstance(text, str):
            raise _refused("no id_token")
        return self._checked(text, nonce, str(answer.get("access_token") or ""))

    def _checked(self, text: str, nonce: str, access_token: str) -> Person:
        now = int(self._clock.now().timestamp())
        try:
            token = self._decoded(text)
            claims = CodeIDToken(
                token.claims,
                token.header,
                {"iss": {"essential": True, "value": self.issuer},
                 "aud": {"essential": True, "value": self._settings.oidc_client_id},
                 "sub": {"essential": True}, "exp": {"essential": True}, "iat": {"essential": True}},
                {"nonce": nonce, "client_id": self._settings.oidc_client_id, "access_token": access_token},
            )  # fmt: skip
            claims.validate(now=now, leeway=LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError) as error:
            raise _refused(str(error)) from None
        subject = claims["sub"]
        if not isinstance(subject, str) or not 1 <= len(subject) <= LONGEST_SUBJECT:
            raise _refused("sub")
        methods = claims.get("amr")
        said = {m for m in methods if isinstance(m, str)} if isinstance(methods, list) else set()
        return Person(subject, bool(said & set(self._settings.oidc_strong_methods)))

    def _decoded(self, text: str) -> jwt.Token:
        try:
            return jwt.decode(text, self._key_set(), algorithms=ALGORITHMS)
        except InvalidKeyIdError:
            # the provider has changed its keys
            return jwt.decode(text, self._key_set(anew=True), algorithms=ALGORITHMS)

    def _client(self) -> Any:
        secret = self._settings.oidc_client_secret
        options: dict[str, Any] = {"timeout": TIMEOUT_SECONDS, "trust_env": False}
        if self._settings.oidc_ca_file is not None:
            options["verify"] = str(self._settings.oidc_ca_file)
        if self._transport is not None:
            options["transport"] = self._transport
        return OAuth2Client(
            self._settings.oidc_client_id,
            secret or None,
            token_endpoint_auth_method="client_secret_basic" if secret else "none",  # a method's name
            scope="openid",
            redirect_uri=self._settings.oidc_own_address.rstrip("/") + BACK,
            code_challenge_method="S256",
            **options,
        )

    def _discovery(self) -> Mapping[str, Any]:
        now = self._clock.now()
        with self._lock:
            if self._found is not None and now - self._found[1] < DISCOVERY_LIFETIME:
                return self._found[0]
            found = self._fetched(self.issuer.rstrip("/") + WELL_KNOWN)
            if found.get("issuer") != self.issuer:
                raise _unreachable(f"it calls itself {found.get('issuer')!r}")
            for name in ENDPOINTS:
                if not acceptable(str(found.get(name))):
                    raise _unreachable(f"{name}: {found.get(name)!r}")
            self._found = (found, now)
            return found

    def _key_set(self, *, anew: bool = False) -> KeySet:
        address, now = self._discovery()["jwks_uri"], self._clock.now()
        with self._lock:
            if self._keys is not None and (not anew or now - self._keys[1] < KEYS_PAUSE):
                return self._keys[0]
            try:
                keys = KeySet.import_key_set(self._fetched(address))  # type: ignore[arg-type]  # checked by it
            except (JoseError, ValueError, TypeError, KeyError) as error:
                raise _unreachable(f"keys: {error}") from None
            self._keys = (keys, now)
            return keys

    def _fetched(self, address: str) -> Mapping[str, Any]:
        try:
            with self._client() as client:
                answer = client.request("GET", address, withhold_token=True)
                answer.raise_for_status()
                content = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise _unreachable(error) from error
        if not isinstance(content, dict):
            raise _unreachable(f"{address}: no JSON object")
        return content


def _refused(why: str) -> SignInRefusedError:
    log.warning("sign_in_refused", why=why)
    return SignInRefusedError(
        "统一身份认证的回应未通过校验，请重新登录 (the provider's answer is not right: begin again)"
    )


def _unreachable(why: object) -> IdentityProviderError:
    log.error("identity_provider_fault", why=str(why))
    return IdentityProviderError(
        "统一身份认证暂不可用，请用账号和密码登录 (the identity provider does not answer: use your password)"
    )
