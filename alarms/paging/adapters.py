"""Ways out: each takes one notification and says what the provider calls it, or raises why it did not go.

Every delivery carries the notification's key, the same at each attempt, by which a provider tells a repetition apart: a
process that dies between sending and noting it sends again, and nobody is rung twice.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import smtplib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Any, Protocol
from urllib.parse import quote_plus

from alarms.errors import PagingError
from alarms.paging.settings import PagingSettings
from equipment.access import outgoing, webhooks
from equipment.errors import OutgoingAddressError, OutgoingFailedError
from equipment.foundation.process import isolated

SMTP_TIMEOUT_SECONDS = 10.0
OK = range(200, 300)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One notification on its way. ``text``: what is said or written; ``secret``: of the address, if it has one."""

    key: str
    address: str
    text: str
    body: Mapping[str, Any]
    attempt: int
    now: datetime
    secret: str | None = None


class Adapter(Protocol):
    """One channel."""

    def send(self, out: Outgoing) -> str:
        """Hand it over; returns the provider's id.

        Raises
        ------
        PagingError
            It did not go; the message says why.
        """

    def hang_up(self, provider_id: str, now: datetime) -> None:
        """Stop what still rings; a channel that cannot does nothing."""


def deliver(adapter: Adapter, out: Outgoing) -> str:
    """Hand one notification over. Whatever a channel raises is a failure of this one alone: it holds up nobody else's.

    Raises
    ------
    PagingError
        It did not go.
    """

    def work() -> str | PagingError:
        try:
            return adapter.send(out)
        except PagingError as error:
            return error

    done = isolated("paging", work, lambda error: PagingError(f"{type(error).__name__}: {error}"))
    if isinstance(done, PagingError):
        raise done
    return done


Post = Callable[[str, bytes, Mapping[str, str]], tuple[int, bytes]]
"""Address, body, headers → status, answer."""


def guarded_post(settings: PagingSettings) -> Post:
    """Requests that reach public addresses and the networks that the operator opened, nothing else."""

    def post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        try:
            answer = outgoing.post(outgoing.check(url, settings.networks), body, headers)
        except (OutgoingAddressError, OutgoingFailedError) as error:
            raise PagingError(str(error)) from error
        return answer.status, answer.body

    return post


def _delivery(out: Outgoing) -> str:
    """The key as a header can carry it; the same for every attempt."""
    return hashlib.sha256(out.key.encode()).hexdigest()[:40]


def _checked(status: int, answer: bytes) -> dict[str, Any]:
    if status not in OK:
        raise PagingError(f"HTTP {status}: {answer[:200].decode(errors='replace')}")
    try:
        read = json.loads(answer or b"{}")
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


@dataclass(frozen=True, slots=True)
class Gateway:
    """Voice or SMS over a signed JSON request: {to, text, key, reply}; the answer's ``id`` names it."""

    url: str
    secret: bytes
    post: Post
    keys: Mapping[str, str] | None = None

    def send(self, out: Outgoing) -> str:
        """Ring the number or send the SMS."""
        body = json.dumps(
            {
                "to": out.address,
                "text": out.text,
                "key": _delivery(out),
                **({"keys": dict(self.keys)} if self.keys else {}),
            },
            ensure_ascii=False,
        ).encode()
        headers = {webhooks.HEADER: webhooks.sign(self.secret, body, f"{_delivery(out)}.{out.attempt}", out.now)}
        answer = _checked(*self.post(self.url, body, headers))
        return str(answer.get("id") or _delivery(out))

    def hang_up(self, provider_id: str, now: datetime) -> None:
        """Ring it off."""
        body = json.dumps({"hang_up": provider_id}).encode()
        name = hashlib.sha256(f"hang-up:{provider_id}".encode()).hexdigest()[:40]
        _checked(*self.post(self.url, body, {webhooks.HEADER: webhooks.sign(self.secret, body, name, now)}))


@dataclass(frozen=True, slots=True)
class Robot:
    """A group's robot of WeCom or DingTalk: a text message to its address; DingTalk's is signed by its own rule."""

    kind: str
    post: Post

    def send(self, out: Outgoing) -> str:
        """Write into the group."""
        url = out.address
        if self.kind == "dingtalk" and out.secret:
            stamp = str(round(out.now.timestamp() * 1_000))
            mac = hmac.new(out.secret.encode(), f"{stamp}\n{out.secret}".encode(), "sha256").digest()
            url += f"&timestamp={stamp}&sign={quote_plus(base64.b64encode(mac))}"
        body = json.dumps({"msgtype": "text", "text": {"content": out.text}}, ensure_ascii=False).encode()
        answer = _checked(*self.post(url, body, {}))
        if answer.get("errcode") not in (None, 0):
            raise PagingError(f"{answer['errcode']}: {answer.get('errmsg', '')}")
        return _delivery(out)

    def hang_up(self, provider_id: str, now: datetime) -> None:
        """A message cannot be taken back."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """The firm's own system: the body as JSON, signed with the address's secret."""

    post: Post

    def send(self, out: Outgoing) -> str:
        """Tell the firm's system."""
        if not out.secret:
            raise PagingError("该地址没有签名密钥 (the address has no secret to sign with)")
        body = json.dumps({**out.body, "key": _delivery(out)}, ensure_ascii=False).encode()
        try:
            secret = bytes.fromhex(out.secret)
        except ValueError:
            raise PagingError("签名密钥不是十六进制 (the secret is not hexadecimal)") from None
        _checked(*self.post(out.address, body, {webhooks.HEADER: webhooks.sign(secret, body, _delivery(out), out.now)}))
        return _delivery(out)

    def hang_up(self, provider_id: str, now: datetime) -> None:
        """A message cannot be taken back."""


@dataclass(frozen=True, slots=True)
class Mail:
    """E-mail through the intranet's server; the Message-ID is the notification's key."""

    host: str
    port: int
    sender: str

    def send(self, out: Outgoing) -> str:
        """Send the mail."""
        message = EmailMessage()
        message["From"], message["To"] = self.sender, out.address
        message["Subject"] = out.text.splitlines()[0][:120]
        message["Message-ID"] = f"<{_delivery(out)}@teshe>"
        message.set_content(out.text)
        try:
            with smtplib.SMTP(self.host, self.port, timeout=SMTP_TIMEOUT_SECONDS) as server:
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise PagingError(str(error)) from error
        return _delivery(out)

    def hang_up(self, provider_id: str, now: datetime) -> None:
        """A mail cannot be taken back."""


@dataclass(frozen=True, slots=True)
class Page:
    """The firm's own page: the order is on it already, and the live feed has told it."""

    def send(self, out: Outgoing) -> str:
        """Nothing to send."""
        return _delivery(out)

    def hang_up(self, provider_id: str, now: datetime) -> None:
        """The page follows the order's state."""


def adapters(settings: PagingSettings) -> dict[str, Adapter]:
    """The channels that are configured."""
    post = guarded_post(settings)
    found: dict[str, Adapter] = {
        "page": Page(), "webhook": Webhook(post), "wecom": Robot("wecom", post), "dingtalk": Robot("dingtalk", post),
    }  # fmt: skip
    if settings.voice_url and settings.gateway_secret:
        keys = {"1": "接单 (accept)", "2": "无法到场 (refuse)"}
        found["voice"] = Gateway(settings.voice_url, settings.secret(), post, keys)
    if settings.sms_url and settings.gateway_secret:
        found["sms"] = Gateway(settings.sms_url, settings.secret(), post)
    if settings.smtp_host:
        found["email"] = Mail(settings.smtp_host, settings.smtp_port, settings.mail_from)
    return found
