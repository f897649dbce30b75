"""内外网链路: what crosses between the internet side and the government side, in numbered and signed bundles."""
