"""隐患台账: one list, handed over, kept, closed out with evidence, reported when overdue (一单四制)."""
