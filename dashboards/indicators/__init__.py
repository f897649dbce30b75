"""指标: definitions, exact statistics, and what may be said about them."""
