"""本地证书: an authority of the city's own and a certificate for its broker, where no public one can be had.

Terminals are given ``ca.pem`` when they are fitted. ``ca.key`` signs the next certificate and belongs off the machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from equipment.errors import AccountInputError

CA_LIFETIME = timedelta(days=3650)
SERVER_LIFETIME = timedelta(days=397)
CLOCK_SLACK = timedelta(hours=24)
"""Terminals whose clock is behind shall accept a fresh certificate."""


def make_authority(folder: Path, name: str, now: datetime) -> bool:
    """Make ``ca.pem`` and ``ca.key`` unless they are there; whether they were made."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "ca.pem").exists():
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    certificate = (
        _builder(subject, subject, key.public_key(), now, CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _keep(folder / "ca.key", _key_bytes(key), 0o600)
    _keep(folder / "ca.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return True


def make_server(folder: Path, hosts: Sequence[str], now: datetime) -> Path:
    """Make ``server.pem`` and ``server.key`` for these names and addresses, signed by the folder's authority.

    Raises
    ------
    AccountInputError
        No host is given, or the authority's key is not in the folder.
    """
    if not hosts or not (folder / "ca.key").exists():
        raise AccountInputError("须给出主机名，且 ca.key 须在目录中 (name a host, and bring ca.key into the folder)")
    authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    signer = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise AccountInputError("ca.key 不是本工具生成的密钥 (ca.key is not a key that this command made)")
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_name(hosts[0]), authority.subject, key.public_key(), now, SERVER_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_alternative(host) for host in hosts]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    _keep(folder / "server.key", _key_bytes(key), 0o600)
    _keep(folder / "server.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return folder / "server.pem"


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SLACK)
        .not_valid_after(now + lifetime)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _keep(file: Path, content: bytes, mode: int) -> None:
    fresh = file.with_suffix(".fresh")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=mode)
    fresh.write_bytes(content)
    fresh.replace(file)
