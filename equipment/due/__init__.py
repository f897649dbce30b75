"""What the law says is due (到期), by rule and clause."""
