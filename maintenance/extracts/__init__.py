"""电子数据提取: what leaves the platform as evidence, with its digests."""
