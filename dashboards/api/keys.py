"""密钥: a firm registers the public keys that seal its records, and revokes them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from dashboards.context import Context, permit
from dashboards.errors import BadRequestError
from equipment.access.model import Asker
from equipment.access.store import Change, audit
from equipment.transparency import log
from equipment.transparency.errors import InvalidKeyError
from equipment.transparency.keys import ALGORITHMS, KEY_BYTES, PublicKey, key_id

router = APIRouter(tags=["maintenance"])


class NewKey(BaseModel):
    """A public key; the private one stays with the firm."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, description="Where it is used")
    algorithm: str = Field("ed25519", description="ed25519; sm2 follows")
    public_key: str = Field(max_length=200, description="The raw public key, base64")


class Revocation(BaseModel):
    """From now on signatures of the key count for nothing."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)


@dataclass(frozen=True, slots=True)
class Key:
    """A registered key."""

    id: str
    name: str
    algorithm: str
    public_key: str
    valid_from: datetime
    revoked_at: datetime | None


def _shown(key: PublicKey) -> Key:
    encoded = base64.b64encode(key.public_key).decode()
    return Key(key.id, key.name, key.algorithm, encoded, key.valid_from, key.revoked_at)


@router.get("/keys")
def keys(context: Context, asker: Annotated[Asker, Depends(permit("key.view"))]) -> list[Key]:
    """Your firm's keys; those of the server for everybody else."""
    with context.transaction(asker) as conn:
        return [_shown(key) for key in log.keys_of(conn, asker.organisation_id)]


@router.get("/server-keys")
def server_keys(context: Context, asker: Annotated[Asker, Depends(permit("self.manage"))]) -> list[Key]:
    """The keys that sign receipts and the log: compare their ids with the published ones."""
    with context.transaction(asker) as conn:
        return [_shown(key) for key in log.keys_of(conn, None)]


@router.post("/keys", status_code=201)
def register(context: Context, wanted: NewKey, asker: Annotated[Asker, Depends(permit("key.manage"))]) -> Key:
    now = context.clock.now()
    try:
        raw = base64.b64decode(wanted.public_key, validate=True)
    except ValueError:
        raise BadRequestError("The public key is not base64.") from None
    if wanted.algorithm not in ALGORITHMS or len(raw) != KEY_BYTES:
        raise InvalidKeyError(f"本版本支持 {', '.join(ALGORITHMS)}，公钥 {KEY_BYTES} 字节 (such keys are known here)")
    key = PublicKey(key_id(wanted.algorithm, raw), wanted.name, wanted.algorithm, raw, now)
    with context.transaction(asker) as conn:
        if not log.register_key(conn, key, asker.organisation_id, asker.account_id):
            raise InvalidKeyError(f"密钥 {key.id} 已登记 (registered already)")
        audit(conn, asker, "key.manage", f"key:{key.id}", now, change=Change(None, None, {"name": wanted.name}))
    return _shown(key)


@router.post("/keys/{key}/revoke", status_code=204)
def revoke(
    context: Context, key: str, wanted: Revocation, asker: Annotated[Asker, Depends(permit("key.manage"))]
) -> None:
    now = context.clock.now()
    with context.transaction(asker) as conn:
        known = {k.id for k in log.keys_of(conn, asker.organisation_id)}
        if key not in known or not log.revoke_key(conn, key, now, wanted.reason):
            raise InvalidKeyError(f"没有可吊销的密钥 {key} (no such key, or revoked already)")
        audit(conn, asker, "key.manage", f"key:{key}", now, reason=wanted.reason)
