"""真实性: what speaks for or against a maintenance record. Evidence with a weight, explained, never a verdict."""
