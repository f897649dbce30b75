"""The accident register (事故登记)."""
