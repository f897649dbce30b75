"""Which firm keeps which lift: contracts, and the change of firm (维保变更)."""
