"""当日封存: one seal over all records of a firm's day, for firms without a system and a key of their own."""
