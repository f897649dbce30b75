"""Sparkplug B 3.0.0: its wire format, its topics, and what a host remembers of an edge node."""
