"""网关权限: what a gateway's account on the broker may do, in the broker's own form: its own topics, and nothing else."""

from __future__ import annotations

import json
from enum import Enum

from ingest.bridge.gateway import ROOT, TOLD_BY_CENTRES, GatewayKind, result_topic, topic_of
from ingest.bridge.model import Gateway
from ingest.errors import GatewayError


class Broker(Enum):
    """Whose form."""

    NATS = "nats"
    MOSQUITTO = "mosquitto"


def topics(gateway: Gateway) -> tuple[list[str], list[str]]:
    """What it may publish, and what it may hear.

    Raises
    ------
    GatewayError
        A Sparkplug edge node, whose topics are not below one root.
    """
    if gateway.kind == "sparkplug":
        raise GatewayError(
            "Sparkplug 节点的主题请按规范自行授权 (the topics of an edge node are those of its specification)"
        )
    if gateway.kind != "call_centre":
        own = (GatewayKind.TELEMETRY, GatewayKind.STATUS)
        return [*(topic_of(gateway.id, kind) for kind in own), f"{ROOT}/{gateway.id}/frames/+"], []
    told = sorted(TOLD_BY_CENTRES, key=lambda kind: kind.value)
    return [topic_of(gateway.id, kind) for kind in told], [result_topic(gateway.id, kind) for kind in told]


def lines(gateway: Gateway, broker: Broker) -> str:
    """The user's lines for ``gateways.conf`` of NATS (its password to be filled in), or ``gateways.acl`` of Mosquitto."""
    publish, hear = topics(gateway)
    if broker is Broker.MOSQUITTO:
        rights = [*(f"topic write {t}" for t in publish), *(f"topic read {t}" for t in hear)]
        return "\n".join([f"user {gateway.id}", *rights])
    # a subscription of QoS 1 has a delivery subject of the server's own beside its topic
    allow = [*map(_subject, hear), "$MQTT.sub.>"] if hear else []
    subscribe = {"allow": allow} if allow else {"deny": [">"]}
    permissions = {"publish": {"allow": [_subject(t) for t in publish]}, "subscribe": subscribe}
    return (
        f'{{ user: {json.dumps(gateway.id)}, password: "…", allowed_connection_types: ["MQTT"], '
        f"permissions: {json.dumps(permissions)} }}"
    )


def _subject(topic: str) -> str:
    """A topic as NATS calls it."""
    return topic.replace(".", "//").replace("/", ".").replace("..", "//").replace("+", "*")
