"""The examples for firms' systems give what the server computes: the Java one is run, the vectors are the server's own."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from maintenance.records.model import canonical, read_record
from maintenance.records.seals import statement

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
NUMBERS = [7.5, 116.96, 1e-7, 1.5e-6, 1e21, 123456789012345680000.0, 0.1, -2.0, 5e-324, 33.64, 1 / 3]


def vectors() -> dict[str, str]:
    made: dict[str, str] = json.loads((EXAMPLES / "vectors.json").read_text(encoding="utf-8"))
    return made


def test_the_vectors_are_what_the_server_computes() -> None:
    known = vectors()
    body = canonical(read_record(known["canonical"].encode()))
    assert body.decode() == known["canonical"]
    assert hashlib.sha256(body).hexdigest() == known["sha256"]
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(known["private_key_seed"]))
    signed = key.sign(statement(known["idempotency_key"], bytes.fromhex(known["sha256"])))
    assert base64.b64encode(signed).decode() == known["signature"]


@pytest.mark.skipif(shutil.which("java") is None, reason="needs a JDK")
def test_the_java_example_gives_the_vectors() -> None:
    known = vectors()
    ran = subprocess.run(
        ["java", "-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8", str(EXAMPLES / "SignRecord.java"), "vectors", ",".join(map(repr, NUMBERS))],
        capture_output=True, timeout=100, check=True,
    )  # fmt: skip
    lines = ran.stdout.decode().splitlines()
    assert lines[:3] == [known["canonical"], known["sha256"], known["signature"]]
    assert lines[3:] == [rfc8785.dumps(n).decode() for n in NUMBERS]
