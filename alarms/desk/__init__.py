"""The seats' own work: calls on the line, whom to ring, what the two-hour rule demands."""
