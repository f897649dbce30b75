"""故障与事件代码: the code lists of the field as data, mapped to common concepts."""
