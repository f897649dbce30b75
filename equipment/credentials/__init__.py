"""终端凭证: credentials of the terminals, issued, rotated and revoked from the registry."""
