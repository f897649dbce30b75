"""防篡改日志: an append-only Merkle log (RFC 9162) of commitments, with signed checkpoints and proofs."""
