"""Real processes of the desk that are killed."""
