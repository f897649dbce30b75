"""电子维保记录: filed by the firm, confirmed or disputed by the use-unit, never altered."""
