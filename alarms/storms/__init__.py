"""群发与泛滥: many alarms of one cause are one line; too many for a person are a flood; what sets the load is counted."""
