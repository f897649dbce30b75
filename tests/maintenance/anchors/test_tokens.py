"""A token holds only for its checkpoint, its authority and its request."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from maintenance.anchors import token
from maintenance.errors import AnchorError
from tests.maintenance.anchors.authority import Authority

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
NOTE = "teshe.test\n7\nAAAA\n2026-03-02T01:00:00.000000Z\n\n— teshe.test AAAA\n"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority(NOW)


def test_a_token_says_when_and_by_whom(authority: Authority) -> None:
    asked = token.query(NOTE)
    answer = authority.answer(asked.body)
    stamp = token.verified(answer, NOTE, token.certificates(authority.pem()), asked.nonce)
    assert stamp.at == NOW
    assert "宿州测试时间戳" in stamp.authority
    assert token.unverified(answer) == stamp


def test_whatever_does_not_belong_is_refused(authority: Authority) -> None:
    trusted = token.certificates(authority.pem())
    asked = token.query(NOTE)
    answer = authority.answer(asked.body)
    with pytest.raises(AnchorError, match="Mismatch"):
        token.verified(answer, NOTE + "x", trusted)
    with pytest.raises(AnchorError, match="Nonce"):
        token.verified(answer, NOTE, trusted, (asked.nonce or 0) + 1)
    with pytest.raises(AnchorError):
        token.verified(answer, NOTE, token.certificates(Authority(NOW).pem()))
    with pytest.raises(AnchorError, match="refused"):
        token.verified(authority.refusal(asked.body), NOTE, trusted)
    for broken in (b"", b"no token", answer[:-40]):
        with pytest.raises(AnchorError):
            token.verified(broken, NOTE, trusted)
    for place in range(40, len(answer), 97):
        forged = answer[:place] + bytes([answer[place] ^ 1]) + answer[place + 1 :]
        try:
            found = token.verified(forged, NOTE, trusted)
        except AnchorError:
            continue
        assert found.at == NOW, f"byte {place}"
    with pytest.raises(AnchorError):
        token.certificates(b"no certificate")
