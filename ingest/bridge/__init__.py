"""The bridge: Sparkplug B, vendor frames and gateways, republished to the canonical topics."""
