import pytest

from weighbridge.scan import scan


@pytest.fixture
def verdict_on(tmp_path):
    """Scan these bytes as a file of this name."""

    def verdict(data: bytes, name: str = "model.pkl"):
        path = tmp_path / name
        path.write_bytes(data)
        (verdict,) = scan([str(path)])
        return verdict

    return verdict
