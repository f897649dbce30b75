"""时间戳: checkpoints of the log under the clock and key of an authority that is not ours (RFC 3161)."""
