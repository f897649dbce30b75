"""报警: rules, the engine that judges them, the life of an alarm, incidents."""
