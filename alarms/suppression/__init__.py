"""静音: what an alarm is spared, by whom, why and until when. Judging and history never stop."""
