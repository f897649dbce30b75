"""Signed deliveries and what may be sent where."""

from __future__ import annotations

import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipment.access import outgoing, webhooks
from equipment.errors import OutgoingAddressError, WebhookSignatureError
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import DatabaseRole
from tests.conftest import START, Database

SECRET, OTHER = b"s" * 32, b"o" * 32
BODY = '{"caller":"救命"}'.encode()
NAMES = st.text("abcXYZ019_.:-", min_size=1, max_size=100)


@given(st.binary(max_size=200), NAMES)
def test_what_was_signed_is_believed(body: bytes, delivery: str) -> None:
    found = webhooks.verify(webhooks.sign(SECRET, body, delivery, START), body, [OTHER, SECRET], START)
    assert (found.id, found.signed_at) == (delivery, START)


@given(st.binary(min_size=1, max_size=60), st.integers(0), st.integers(1, 255))
def test_a_changed_body_is_refused(body: bytes, at: int, flip: int) -> None:
    changed = bytearray(body)
    changed[at % len(body)] ^= flip
    with pytest.raises(WebhookSignatureError, match="签名不对"):
        webhooks.verify(webhooks.sign(SECRET, body, "d", START), bytes(changed), [SECRET], START)


@given(st.text(max_size=400) | st.none())
def test_any_other_header_is_refused(header: str | None) -> None:
    with pytest.raises(WebhookSignatureError):
        webhooks.verify(header, BODY, [SECRET], START)


@pytest.mark.parametrize("change", [("t=", "t=1"), ("id=d", "id=e")])
def test_time_and_name_are_signed_too(change: tuple[str, str]) -> None:
    header = webhooks.sign(SECRET, BODY, "d", START).replace(*change)
    with pytest.raises(WebhookSignatureError):
        webhooks.verify(header, BODY, [SECRET], START)


@pytest.mark.parametrize(("late", "believed"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_a_signature_is_believed_for_five_minutes(late: int, believed: bool) -> None:
    header, now = webhooks.sign(SECRET, BODY, "d", START), START + timedelta(seconds=late)
    if believed:
        webhooks.verify(header, BODY, [SECRET], now)
    else:
        with pytest.raises(WebhookSignatureError, match="300"):
            webhooks.verify(header, BODY, [SECRET], now)


def test_no_secret_believes_nothing_and_a_short_one_signs_nothing() -> None:
    with pytest.raises(WebhookSignatureError):
        webhooks.verify(webhooks.sign(SECRET, BODY, "d", START), BODY, [], START)
    with pytest.raises(WebhookSignatureError, match="32 bytes"):
        webhooks.sign(b"short", BODY, "d", START)
    with pytest.raises(WebhookSignatureError, match="named by"):
        webhooks.sign(SECRET, BODY, "a b", START)
    assert len(bytes.fromhex(webhooks.new_secret())) == webhooks.SHORTEST_SECRET


def test_a_delivery_is_taken_once_by_the_web_and_forgotten_only_when_it_is_too_old(
    database: Database, clock: ManualClock
) -> None:
    delivery = webhooks.Delivery("d", START)
    with database.connect(DatabaseRole.SCOPED) as conn:
        assert webhooks.take(conn, "centre", delivery, clock.now())
        assert not webhooks.take(conn, "centre", delivery, clock.now())
        assert webhooks.take(conn, "another", delivery, clock.now())
        assert conn.execute("select count(*) from equipment.webhook_delivery").fetchone() == (0,)
    with database.connect() as conn:
        clock.advance(2 * webhooks.WINDOW.total_seconds())
        assert webhooks.forget(conn, clock.now()) == 0
        clock.advance(1)
        assert webhooks.forget(conn, clock.now()) == 2


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",  # noqa: S104
        "::1", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "2002:0a00:0001::", "64:ff9b::a00:1", "ff02::1",
    ],
)  # fmt: skip
def test_nothing_is_sent_inside_however_the_address_is_written(address: str) -> None:
    with pytest.raises(OutgoingAddressError, match="内部地址"):
        outgoing.check("https://partner.example/hook", resolver=lambda _host, _port: ["8.8.8.8", address])


@pytest.mark.parametrize(
    "url", ["ftp://x/", "file:///etc/passwd", "https://", "https://u:p@x/", "https://x:99999/", "//x", "", "https://[x"]
)
def test_other_forms_are_refused(url: str) -> None:
    with pytest.raises(OutgoingAddressError):
        outgoing.check(url, resolver=lambda _host, _port: ["8.8.8.8"])


def test_outside_it_takes_https_and_inside_an_opened_network() -> None:
    target = outgoing.check("https://partner.example/a?b=1", resolver=lambda _host, _port: ["8.8.8.8"])
    assert target == outgoing.Target(tls=True, host="partner.example", port=443, address="8.8.8.8", path="/a?b=1")
    with pytest.raises(OutgoingAddressError, match="https"):
        outgoing.check("http://partner.example/", resolver=lambda _host, _port: ["8.8.8.8"])
    opened = [ip_network("10.3.0.0/16")]
    assert outgoing.check("http://gov/", opened, lambda _host, _port: ["10.3.0.9"]).address == "10.3.0.9"
    with pytest.raises(OutgoingAddressError):
        outgoing.check("http://gov/", opened, lambda _host, _port: ["10.4.0.9"])


def test_it_connects_to_the_judged_address_under_the_asked_name_and_follows_no_redirect() -> None:
    seen: list[tuple[str | None, bytes]] = []

    class Partner(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append((self.headers["Host"], self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/inside")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Partner)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        url = f"http://partner.example:{server.server_port}/hook"
        target = outgoing.check(url, [ip_network("127.0.0.0/8")], lambda _host, _port: ["127.0.0.1"])
        assert outgoing.post(target, BODY, {}).status == 302
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert seen == [(f"partner.example:{server.server_port}", BODY)]
