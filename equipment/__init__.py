"""设备: registry, signal catalogue, access, accidents, and the foundation all stand on."""
