"""应急统计: what the desk's incidents add up to, by the definitions that are written beside each figure."""
