"""接入: from the broker to the time-series store, without losing what was acknowledged."""
