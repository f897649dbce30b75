"""Gas cylinders (气瓶) and their filling: one cylinder, one code, and a trace of every fill."""
