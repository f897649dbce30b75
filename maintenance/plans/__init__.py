"""维保计划: what a firm has to do, day by day."""
