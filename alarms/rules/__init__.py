"""报警规则 as data: the shipped pack, its condition language, its checks."""
