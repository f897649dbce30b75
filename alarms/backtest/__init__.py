"""Back-test: what rules would have raised on stored readings, and how that compares with what people reported."""
