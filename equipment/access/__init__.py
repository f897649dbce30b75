"""Who may do and see what: accounts, sessions, tokens, the matrix, the scope of a transaction."""
