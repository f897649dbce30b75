"""What was true of a unit from which day to which, and how many units were so on a day."""
