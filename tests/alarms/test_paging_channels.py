"""Each channel against a real receiver on the loopback: what arrives there, who signed it, and what a refusal becomes."""

from __future__ import annotations

import base64
import hmac
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from alarms.errors import PagingError
from alarms.paging.adapters import Adapter, Outgoing, adapters
from alarms.paging.settings import PagingSettings
from equipment.access import webhooks

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
SECRET = "ab" * 32


class Provider:
    """An HTTP server that keeps what it is sent and answers as told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.status, self.answer = 200, b"{}"
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                provider.got.append((self.path, dict(self.headers), body))
                self.send_response(provider.status)
                self.send_header("Content-Length", str(len(provider.answer)))
                self.end_headers()
                self.wfile.write(provider.answer)

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)


class _Post(socketserver.StreamRequestHandler):
    """Enough of SMTP to take one mail."""

    def handle(self) -> None:
        self.wfile.write(b"220 post\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (text := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(text)
                self.server.mails.append(b"".join(lines))  # type: ignore[attr-defined]
                self.wfile.write(b"250 kept\r\n")
            elif verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


@contextmanager
def post_office() -> Iterator[tuple[int, list[bytes]]]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Post) as server:
        server.mails = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], server.mails  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join(10)


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


def ways(provider: Provider, **more: Any) -> dict[str, Adapter]:
    values = {
        "voice_url": f"{provider.url}/voice", "sms_url": f"{provider.url}/sms", "gateway_secret": SECRET,
        "networks": ["127.0.0.0/8"], **more,
    }  # fmt: skip
    return adapters(PagingSettings.model_validate(values))


def out(address: str, attempt: int = 1, secret: str | None = None) -> Outgoing:
    return Outgoing(
        "order:7:x", address, "【96366】电梯困人：某小区", {"number": "20260302-0001"}, attempt, NOW, secret
    )


def test_voice_and_sms_are_signed_and_carry_one_key_for_every_attempt(provider: Provider) -> None:
    provider.answer = b'{"id": "call-9"}'
    made = ways(provider)
    assert made["voice"].send(out("05573000001")) == "call-9"
    made["voice"].send(out("05573000001", attempt=2))
    made["sms"].send(out("13900000001"))
    bodies = [json.loads(body) for _, _, body in provider.got]
    assert [path for path, _, _ in provider.got] == ["/voice", "/voice", "/sms"]
    assert len({b["key"] for b in bodies[:2]}) == 1
    assert set(bodies[0]["keys"]) == {"1", "2"}
    assert "keys" not in bodies[2]
    for _, headers, body in provider.got:
        assert webhooks.verify(headers[webhooks.HEADER], body, [bytes.fromhex(SECRET)], NOW)
    made["voice"].hang_up("call-9", NOW)
    assert json.loads(provider.got[-1][2]) == {"hang_up": "call-9"}


def test_the_firms_own_system_can_tell_that_it_is_us(provider: Provider) -> None:
    webhook = ways(provider)["webhook"]
    webhook.send(out(f"{provider.url}/orders", secret=SECRET))
    path, headers, body = provider.got[0]
    assert (path, json.loads(body)["number"]) == ("/orders", "20260302-0001")
    assert webhooks.verify(headers[webhooks.HEADER], body, [bytes.fromhex(SECRET)], NOW)
    for bad, words in ((None, "没有签名密钥"), ("zz", "十六进制")):
        with pytest.raises(PagingError, match=words):
            webhook.send(out(f"{provider.url}/orders", secret=bad))


def test_the_robots_of_both_messengers_get_their_text_and_dingtalks_is_signed(provider: Provider) -> None:
    provider.answer = b'{"errcode": 0, "errmsg": "ok"}'
    made = ways(provider)
    made["wecom"].send(out(f"{provider.url}/cgi-bin/webhook/send?key=k"))
    made["dingtalk"].send(out(f"{provider.url}/robot/send?access_token=t", secret="SECabc"))
    assert json.loads(provider.got[0][2]) == {"msgtype": "text", "text": {"content": "【96366】电梯困人：某小区"}}
    asked = parse_qs(urlsplit(provider.got[1][0]).query)
    stamp = asked["timestamp"][0]
    mac = hmac.new(b"SECabc", f"{stamp}\nSECabc".encode(), "sha256").digest()
    assert base64.b64decode(asked["sign"][0]) == mac
    # both answer 200 also when they refuse
    provider.answer = b'{"errcode": 310000, "errmsg": "keywords not in content"}'
    for name in ("wecom", "dingtalk"):
        with pytest.raises(PagingError, match="310000"):
            made[name].send(out(f"{provider.url}/robot/send?access_token=t"))


def test_a_mail_goes_through_the_intranets_server(provider: Provider) -> None:
    with post_office() as (port, mails):
        mail = ways(provider, smtp_host="127.0.0.1", smtp_port=port)["email"]
        name = mail.send(out("duty@firm.example"))
    assert f"<{name}@teshe>".encode() in mails[0]
    assert b"duty@firm.example" in mails[0]
    with pytest.raises(PagingError):
        ways(provider, smtp_host="127.0.0.1", smtp_port=1)["email"].send(out("duty@firm.example"))


@pytest.mark.parametrize("status", [302, 400, 429, 500, 503])
def test_any_other_status_is_tried_again(provider: Provider, status: int) -> None:
    provider.status = status
    for name in ("voice", "sms", "webhook", "wecom"):
        with pytest.raises(PagingError, match=str(status)):
            ways(provider)[name].send(out(f"{provider.url}/x", secret=SECRET))


def test_addresses_inside_the_house_are_refused_unless_opened() -> None:
    closed = adapters(PagingSettings.model_validate({}))
    with pytest.raises(PagingError, match="内部地址"):
        closed["webhook"].send(out("https://127.0.0.1/x", secret=SECRET))
    assert set(closed) == {"page", "webhook", "wecom", "dingtalk"}  # what is not configured is no channel
