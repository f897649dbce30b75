"""Plumbing that knows no domain word: a closed list of modules, no utilities."""
