"""通知: who is told of an order, by which channel, until he answers."""
