"""Every error owns its code, its statuses, and tells where and what to do."""

import weighbridge.errors as errors
from weighbridge.errors import FormatError, SignatureError, TruncatedError, WeighbridgeError


def _tree(root: type[WeighbridgeError]) -> list[type[WeighbridgeError]]:
    return [root, *(leaf for child in root.__subclasses__() for leaf in _tree(child))]


def test_codes_are_distinct():
    codes = [error.code for error in _tree(WeighbridgeError)]
    assert len(codes) == len(set(codes))


def test_a_code_begins_with_a_family_and_statuses_are_real():
    for error in _tree(WeighbridgeError):
        # 1 is a verdict: it was looked at, and does not hold. 2 is everything that kept us from a verdict.
        assert error.exit_status == (1 if issubclass(error, SignatureError) else 2)
        assert 400 <= error.http_status < 600


def test_the_tree_drawn_in_the_docstring_is_the_tree():
    drawn = {word for word in errors.__doc__.replace("─", " ").split() if word.endswith("Error")}
    assert drawn == {error.__name__ for error in _tree(WeighbridgeError) if error.__module__ == errors.__name__}


def test_the_text_names_the_place_once():
    error = TruncatedError("ends at 10", where="model.safetensors")
    assert str(error) == "model.safetensors: ends at 10"
    assert str(error.at("elsewhere")) == "model.safetensors: ends at 10"
    assert str(FormatError("bad header").at("a.gguf")) == "a.gguf: bad header"


def test_a_hint_of_its_own_wins():
    assert TruncatedError("x", hint="ask Ann").hint == "ask Ann"
    assert TruncatedError("x").hint == TruncatedError.default_hint
