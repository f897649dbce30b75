"""What the brokers are told of the terminals' credentials, and what they say of those who try more."""
