"""Requests for time-stamps and what comes back, by rfc3161-client. Pure: no network, no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, TimeStampResponse, VerifierBuilder
from rfc3161_client import VerificationError as TokenError
from rfc3161_client import decode_timestamp_response as decode

from maintenance.errors import AnchorError


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a token that holds says: when, and who signed it."""

    at: datetime
    authority: str


@dataclass(frozen=True, slots=True)
class Query:
    """A request as it is sent. ``nonce`` must come back: no old answer passes for this one."""

    body: bytes
    nonce: int | None


def certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """The authority's certificates: its root, and what lies between.

    Raises
    ------
    AnchorError
        There is none.
    """
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise AnchorError(f"时间戳机构证书须为 PEM (the authority's certificates must be PEM): {error}") from None


def query(note: str) -> Query:
    """Ask for a time-stamp over a signed checkpoint, with the authority's certificate in the answer."""
    made = TimestampRequestBuilder().data(note.encode()).hash_algorithm(HashAlgorithm.SHA256).build()
    return Query(made.as_bytes(), made.nonce)


def verified(token: bytes, note: str, trusted: tuple[x509.Certificate, ...], nonce: int | None = None) -> Stamp:
    """What a token says of a checkpoint.

    Parameters
    ----------
    trusted
        The authority's certificates; a token that leads to none of them is worth nothing.
    nonce
        Of the request, where the answer has just come.

    Raises
    ------
    AnchorError
        It is no token, refused, over something else, or not signed by that authority.
    """
    response = _read(token)
    builder = VerifierBuilder(
        roots=[c for c in trusted if c.subject == c.issuer] or list(trusted[-1:]),
        intermediates=[c for c in trusted if c.subject != c.issuer],
        nonce=nonce,
    )
    try:
        builder.build().verify_message(response, note.encode())
    except (TokenError, ValueError) as error:
        raise AnchorError(f"时间戳无效 (the time-stamp does not hold): {error}") from None
    return _said(response)


def unverified(token: bytes) -> Stamp:
    """What a token claims, for whoever has no certificate to check it with.

    Raises
    ------
    AnchorError
        It is no token.
    """
    return _said(_read(token))


def _read(token: bytes) -> TimeStampResponse:
    try:
        response = decode(token)
        if response.status != 0:
            raise AnchorError(f"时间戳机构拒绝了请求 (the authority refused): {response.status_string}")
        response.tst_info  # noqa: B018  # a refusal or a broken answer has none
    except ValueError as error:
        raise AnchorError(f"不是时间戳 (not a time-stamp): {error}") from None
    return response


def _said(response: TimeStampResponse) -> Stamp:
    infos = list(response.signed_data.signer_infos)
    signer = infos[0].issuer.rfc4514_string() if infos else ""
    for raw in response.signed_data.certificates:
        found = x509.load_der_x509_certificate(raw)
        if infos and (found.issuer, found.serial_number) == (infos[0].issuer, infos[0].serial_number):
            signer = found.subject.rfc4514_string()
    return Stamp(response.tst_info.gen_time, signer)
