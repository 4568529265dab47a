"""What holds for all tests."""

import os

from hypothesis import settings

# As in a process of weigh (cli/_process.py): the threads of a linear algebra library wait in a loop for work, and where
# there are fewer cores than tests and threads, that takes ten times as long as the work. Read when numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# An example that is slow because the machine is busy is no failure.
settings.register_profile("weighbridge", deadline=None)
settings.load_profile("weighbridge")
