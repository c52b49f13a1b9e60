"""`books check`: compares every run, hold, slot and attempt of the four services, and names what leaks."""
