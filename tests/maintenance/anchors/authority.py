"""A time-stamping authority for tests: a root, a signing certificate, and tokens in the form of RFC 3161."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

from asn1crypto import cms, core, tsp  # type: ignore[import-untyped]
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """Stamps whatever digest it is sent, at the time that it is told."""

    def __init__(self, now: datetime, name: str = "宿州测试时间戳") -> None:
        self.now = now
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        self._key = rsa.generate_private_key(65537, 2048)
        root, signer = _name(f"{name}根"), _name(name)
        self.root = self._certificate(root, root, self._root_key.public_key(), authority=True)
        self.signer = self._certificate(signer, root, self._key.public_key(), authority=False)

    def _certificate(self, subject: x509.Name, issuer: x509.Name, key: Any, *, authority: bool) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
            .serial_number(x509.random_serial_number()).not_valid_before(self.now - timedelta(days=1))
            .not_valid_after(self.now + timedelta(days=3_650))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )  # fmt: skip
        if not authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        return builder.sign(self._root_key, hashes.SHA256())

    def pem(self) -> bytes:
        """What the operator is given."""
        return self.root.public_bytes(Encoding.PEM)

    def answer(self, request: bytes) -> bytes:
        """A granted response to a request."""
        asked = tsp.TimeStampReq.load(request)
        info = tsp.TSTInfo(
            {
                "version": "v1", "policy": "1.2.3.4.1", "message_imprint": asked["message_imprint"],
                "serial_number": x509.random_serial_number(), "gen_time": self.now.replace(microsecond=0),
                "nonce": asked["nonce"],
            }
        )  # fmt: skip
        content = info.dump()
        signer = asn1.Certificate.load(self.signer.public_bytes(Encoding.DER))
        attributes = cms.CMSAttributes(
            [
                {"type": "content_type", "values": ["tst_info"]},
                {"type": "signing_time", "values": [cms.Time({"utc_time": self.now.replace(microsecond=0)})]},
                {"type": "message_digest", "values": [hashlib.sha256(content).digest()]},
                {
                    "type": "signing_certificate_v2",
                    "values": [{"certs": [{"cert_hash": hashlib.sha256(signer.dump()).digest()}]}],
                },
            ]
        )
        signed = cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [{"algorithm": "sha256"}],
                "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(content)},
                "certificates": [signer],
                "signer_infos": [
                    {
                        "version": "v1",
                        "sid": {"issuer_and_serial_number": {"issuer": signer.issuer, "serial_number": signer.serial_number}},
                        "digest_algorithm": {"algorithm": "sha256"},
                        "signed_attrs": attributes,
                        "signature_algorithm": {"algorithm": "sha256_rsa"},
                        "signature": self._key.sign(attributes.dump(), padding.PKCS1v15(), hashes.SHA256()),
                    }
                ],
            }
        )  # fmt: skip
        token = cms.ContentInfo({"content_type": "signed_data", "content": signed})
        return bytes(tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump())

    def refusal(self, _: bytes) -> bytes:
        """A response without a token."""
        status = tsp.PKIStatusInfo({"status": "rejection", "status_string": ["quota"]}).dump()
        return bytes([0x30, len(status)]) + bytes(status)


@contextmanager
def served(authority: Authority) -> Iterator[str]:
    """The authority over HTTP on the loopback; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"]))
            right = self.headers["Content-Type"] == "application/timestamp-query"
            body = authority.answer(request) if right else b""
            self.send_response(200 if right else 415)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tsa"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
