"""汇总: readings per minute, hour and day, the same on every level of the database."""
