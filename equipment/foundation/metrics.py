"""Counters of this process, in one registry of our own."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()


def counter(name: str, help_text: str, labels: Sequence[str] = ()) -> Counter:
    """A number that only grows."""
    return Counter(name, help_text, labels, registry=REGISTRY)


def gauge(name: str, help_text: str, labels: Sequence[str] = ()) -> Gauge:
    """A number that goes up and down."""
    return Gauge(name, help_text, labels, registry=REGISTRY)


def histogram(name: str, help_text: str, buckets: Sequence[float], labels: Sequence[str] = ()) -> Histogram:
    """A distribution over the given upper bounds."""
    return Histogram(name, help_text, labels, buckets=tuple(buckets), registry=REGISTRY)


def render() -> str:
    """All numbers in the Prometheus text format."""
    return generate_latest(REGISTRY).decode()
