"""从纸质到无纸化: the dated switch of a firm, and scans of what was on paper."""
