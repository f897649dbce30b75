"""规则引擎: a fold over batches; same state and batch, same transitions."""
