"""两区: what the web of the internet side does with what it may not decide, and how the government side decides it."""
