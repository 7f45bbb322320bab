"""For every test: the same examples on every machine, and no clock in the way."""

from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")
