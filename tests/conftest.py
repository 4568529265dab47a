"""What holds for all tests."""

from hypothesis import settings

# An example that is slow because the machine is busy is no failure.
settings.register_profile("weighbridge", deadline=None)
settings.load_profile("weighbridge")
