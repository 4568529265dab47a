"""Networks in tests are tiny: one thread is fastest, and gives the same bits beside any number of other tests."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    import torch

    torch.set_num_threads(1)
