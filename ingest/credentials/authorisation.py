"""代理授权: the brokers' files, generated from the credentials that hold.

On NATS terminals live in an account of their own: client ids are unique per account, so that nobody out there can take a
shard's session over, whatever he knows. What they publish is stored in the platform's account, and acknowledged when it
is there (``docs/decisions/0100-terminals-in-an-account-of-their-own.md``).

A terminal may publish on ``teshe/v1/+/{its unit}/+`` and nothing else, and subscribe to nothing. NATS takes
``devices.conf``; Mosquitto takes ``mosquitto.passwd`` and ``mosquitto.acl``. A file is replaced whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from equipment.credentials.store import Accepted
from ingest.topics import ROOT

PLATFORM = "platform"
CONTROL = "control"
STEWARD = "steward"
"""Of the terminals' account; may do nothing but keep that account from storing what terminals publish."""
NATS_FILE = "devices.conf"
OTHERS_FILE, OTHERS_RIGHTS, OTHERS_PASSWORDS = "gateways.conf", "gateways.acl", "gateways.passwd"
"""What the operator writes, of NATS and of Mosquitto: lines of users, taken over as they are (`teshe gateway rights`)."""
TLS_FILE = "tls.conf"
NO_TLS = "# clear text: for a closed network only. `teshe devices certificates` turns TLS on.\n"
HEAD = "# made by teshe from the registry's credentials: changes here are lost\n"


def nats(accepted: Sequence[Accepted], others: str = "") -> str:
    """The authorisation of NATS. The platform's password stays a reference to the server's environment.

    Parameters
    ----------
    others
        Users that the operator wrote himself, in the server's form: gateways, which speak for several units. They
        belong to the platform's account, for they hear answers: whoever lets one in trusts it with the shards' sessions.
    """
    root = ROOT.replace("/", ".")
    asks = [f"$JS.API.STREAM.{what}.$MQTT_msgs" for what in ("INFO", "CREATE", "UPDATE")]
    lines = [
        HEAD,
        "accounts {\n",
        f'PLATFORM {{ jetstream: enabled, exports: [ {{ service: "$MQTT.msgs.{root}.>" }} ],\n',
        f'  imports: [ {{ stream: {{ account: DEVICES, subject: "{root}.>" }} }} ], users: [\n',
        f'  {{ user: "{PLATFORM}", password: $TESHE_BROKER_PASSWORD }}\n',
        others,
        "] }\n",
        f'DEVICES {{ jetstream: enabled, exports: [ {{ stream: "{root}.>" }} ],\n',
        f'  imports: [ {{ service: {{ account: PLATFORM, subject: "$MQTT.msgs.{root}.>" }} }} ], users: [\n',
        f'  {{ user: "{STEWARD}", password: $TESHE_BROKER_PASSWORD, allowed_connection_types: ["STANDARD"],\n',
        f'    permissions: {{ publish: {{ allow: {json.dumps(asks)} }}, subscribe: {{ allow: ["_INBOX.>"] }} }} }}\n',
    ]
    for one in accepted:
        subject = f"{root}.*.{one.unit_id}.*"
        lines.append(
            f'  {{ user: {json.dumps(one.name)}, password: {json.dumps(one.bcrypt)}, allowed_connection_types: ["MQTT"], '
            f'permissions: {{ publish: {{ allow: [{json.dumps(subject)}] }}, subscribe: {{ deny: [">"] }} }} }}\n'
        )
    # the account of the server itself, over which a running server is asked to read this file again
    lines.append(f'] }}\n$SYS {{ users: [ {{ user: "{CONTROL}", password: $TESHE_BROKER_PASSWORD }} ] }}\n}}\n')
    return "".join(lines)


def mosquitto_passwords(accepted: Sequence[Accepted], platform: str) -> str:
    """Mosquitto's password file; ``platform`` is the platform's own entry, as ``hash_for_mosquitto`` makes it."""
    return "".join([f"{PLATFORM}:{platform}\n", *(f"{one.name}:{one.pbkdf2}\n" for one in accepted)])


def mosquitto_rights(accepted: Sequence[Accepted]) -> str:
    """Mosquitto's access list; who is not named has no right."""
    units = [f"\nuser {one.name}\ntopic write {ROOT}/+/{one.unit_id}/+\n" for one in accepted]
    return "".join([HEAD, f"user {PLATFORM}\ntopic readwrite #\n", *units])


def replace(file: Path, text: str) -> bool:
    """Replace a file as a whole; whether it said something else before."""
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return False
    fresh = file.with_suffix(".fresh")
    fresh.touch(mode=0o640)
    fresh.write_text(text, encoding="utf-8")
    with fresh.open("rb") as handle:
        os.fsync(handle.fileno())
    fresh.replace(file)
    return True


def require_tls(folder: Path) -> None:
    """Let NATS take TLS alone on the terminals' port, with the certificate in the folder.

    The folder has the same path for the broker as for us.
    """
    home = folder.absolute()
    files = (("cert_file", "server.pem"), ("key_file", "server.key"))
    lines = "".join(f"  {name}: {json.dumps(str(home / file))}\n" for name, file in files)
    replace(folder / TLS_FILE, f"tls {{\n{lines}}}\n")


def others(folder: Path, name: str = OTHERS_FILE) -> str:
    """Users that the operator wrote into the folder; nothing when he did not."""
    file = folder / name
    return file.read_text(encoding="utf-8").rstrip("\n") + "\n" if file.exists() else ""


def prepare(folder: Path) -> None:
    """Make what a broker needs for its first start, before any credential exists; nothing that is there is touched."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in ((NATS_FILE, nats([])), (TLS_FILE, NO_TLS)):
        if not (folder / name).exists():
            replace(folder / name, text)
