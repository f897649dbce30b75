"""文书: numbered documents of a bureau about a hazard, and how they were served."""
