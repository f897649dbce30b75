"""What people and programs meet: pages, API, live feed, commands, indicators."""
