"""Codec 6 of spec/codecs.md: what its references predict of a block, and how far each element is from that."""

from collections.abc import Sequence

from floats import KINDS
from grouped import grouped
from low_rank import low_rank
from refusal import Cursor
from states import numbers_by_states

# Bytes, exponent bits and mantissa bits of an element; integers have neither.
EXPONENTS = {0: 0, 1: 8, 2: 5, 3: 8, 4: 11, 5: 4, 6: 5}
SHAPES = {kind: (width, EXPONENTS[kind], mantissa) for kind, (width, mantissa) in KINDS.items()}
SHAPES |= {7: (2, 0, 0), 8: (4, 0, 0), 9: (8, 0, 0)}
MOST_DIFFERENCES = 524_288


def delta_1(payload: bytes, length: int, references: Sequence[bytes]) -> bytes:
    """Version 1, which has no differences by states."""
    return _delta(payload, length, references, highest_form=2)


def delta_2(payload: bytes, length: int, references: Sequence[bytes]) -> bytes:
    """Version 2."""
    return _delta(payload, length, references, highest_form=3)


def _delta(payload: bytes, length: int, references: Sequence[bytes], highest_form: int) -> bytes:
    """The prediction, then parts until the raw length is reached."""
    cursor = Cursor(payload)
    kind = cursor.number(1, "number kind", 0, 9)
    width = SHAPES[kind][0]
    if length % width:
        raise cursor.refused(f"the raw length is a multiple of {width}", length)
    predictor = cursor.number(1, "predictor", 0, len(PREDICTORS) - 1)
    prediction = PREDICTORS[predictor](cursor, kind, length, references)
    block = bytearray()
    while len(block) < length:
        form = cursor.number(1, "form", 0, highest_form)
        missing = (length - len(block)) // width
        n = cursor.number(4, "count of elements", 1, min(missing, MOST_DIFFERENCES) if form >= 2 else missing)
        predicted = prediction[len(block) : len(block) + n * width]
        if form == 0:
            block += predicted
        elif form == 1:
            block += cursor.take(n * width, "the stored elements")
        else:
            words = _words(predicted, width)
            zeros = cursor.number(1, "zeros", 0, SHAPES[kind][2])
            classes = [_class(word, kind) for word in words]
            numbers = _sorted(cursor, width, classes) if form == 2 else numbers_by_states(cursor, width, classes)
            moved = (_moved(word, z, zeros, kind) for word, z in zip(words, numbers, strict=True))
            block += b"".join(word.to_bytes(width, "little") for word in moved)
    cursor.finish()
    return bytes(block)


def _same(cursor: Cursor, kind: int, length: int, references: Sequence[bytes]) -> bytes:
    """Predictor 0: the joined references from an element on."""
    return _window(cursor, SHAPES[kind][0], length, references)


def _cast(cursor: Cursor, kind: int, length: int, references: Sequence[bytes]) -> bytes:
    """Predictor 1: the same, converted from another format."""
    other = cursor.number(1, "kind of the references", 1, 3)
    if other == kind or not 1 <= kind <= 3:
        raise cursor.refused("two different kinds of 1, 2 and 3", (other, kind), back=1)
    width, wide = SHAPES[kind][0], SHAPES[other][0]
    words = _words(_window(cursor, wide, length // width * wide, references), wide)
    return b"".join(_narrow(_widen(word, other), kind).to_bytes(width, "little") for word in words)


PREDICTORS = [_same, _cast, low_rank]


def _window(cursor: Cursor, width: int, length: int, references: Sequence[bytes]) -> bytes:
    start = cursor.number(4, "offset") * width
    joined = b"".join(references)
    if start + length > len(joined):
        raise cursor.refused(f"the references, of {len(joined)} bytes, reach to {start + length}", None, back=4)
    return joined[start : start + length]


def _words(data: bytes, width: int) -> list[int]:
    return [int.from_bytes(data[at : at + width], "little") for at in range(0, len(data), width)]


# Casts, by way of fp32


def _widen(word: int, kind: int) -> int:
    """A word of kind 1, 2 or 3 as one of fp32."""
    if kind == 3:
        return word
    if kind == 1:
        return word << 16
    sign, exponent, mantissa = word >> 15 << 31, word >> 10 & 31, word & 1023
    if exponent == 31:
        return sign | 255 << 23 | mantissa << 13
    if exponent:
        return sign | exponent + 112 << 23 | mantissa << 13
    if not mantissa:
        return sign
    highest = mantissa.bit_length() - 1  # the value is mantissa / 2^24
    return sign | highest - 24 + 127 << 23 | (mantissa << 23 - highest) & (1 << 23) - 1


def _narrow(word: int, kind: int) -> int:
    """A word of fp32 as one of kind 1, 2 or 3."""
    if kind == 3:
        return word
    exponent_bits, mantissa_bits = (8, 7) if kind == 1 else (5, 10)
    sign = word >> 31 << exponent_bits + mantissa_bits
    exponent, mantissa = word >> 23 & 255, word & (1 << 23) - 1
    infinity = (1 << exponent_bits) - 1 << mantissa_bits
    if exponent == 255:
        kept = mantissa >> 23 - mantissa_bits | 1 << mantissa_bits - 1
        return sign | infinity | (kept if mantissa else 0)
    significand = mantissa | (1 << 23 if exponent else 0)  # times 2^(max(exponent, 1) - 150)
    bias = (1 << exponent_bits - 1) - 1
    scale = max(max(exponent, 1) - 127 + bias, 1)  # the exponent field that it would have, were it normal
    cut = 23 - mantissa_bits + scale - (max(exponent, 1) - 127 + bias)  # bits that are rounded away
    rounded = _halves_to_even(significand, cut)
    magnitude = rounded + (scale - 1 << mantissa_bits)  # a leading one counts as one more in the exponent
    return sign | min(magnitude, infinity)


def _halves_to_even(value: int, cut: int) -> int:
    kept, rest, half = value >> cut, value & (1 << cut) - 1, 1 << cut - 1
    return kept + (rest > half or (rest == half and kept & 1))


# The residual


def _sorted(cursor: Cursor, width: int, classes_of: list[int]) -> list[int]:
    """The numbers z of a part of form 2, by the classes of its elements."""
    n = len(classes_of)
    length = cursor.number(2, "length of a run", 1)
    lanes = cursor.number(1, "lanes", 1, 4)
    if lanes not in (1, 4):
        raise cursor.refused("lanes are 1 or 4", lanes, back=1)
    label_count = cursor.number(1, "labels", 1, 15)
    contexts = cursor.number(1, "contexts", 1, 16)
    lowest = cursor.number(1, "lowest class")
    highest = cursor.number(1, "highest class", lowest)
    classes = highest - lowest + 1
    mapped = _map(cursor, label_count * classes, contexts)
    runs = -(-n // length)
    labels = grouped(cursor, runs)
    if max(labels) > label_count:
        raise cursor.refused(f"a label is at most {label_count}", max(labels))
    of = [
        None
        if not (label := labels[i // length])
        else mapped[(label - 1) * classes + min(max(element, lowest), highest) - lowest]
        for i, element in enumerate(classes_of)
    ]
    _counts(cursor, of, contexts, lanes, -(-runs // lanes) * length)
    numbers = [iter(_numbers(cursor, of.count(context), width)) for context in range(contexts)]
    return [0 if context is None else next(numbers[context]) for context in of]


def _map(cursor: Cursor, count: int, contexts: int) -> list[int]:
    packed = cursor.take(-(-count // 2), "the map")
    mapped = [byte >> shift & 15 for byte in packed for shift in (0, 4)]
    if any(context >= contexts for context in mapped[:count]) or any(mapped[count:]):
        raise cursor.refused(f"contexts in the map are less than {contexts}, what is left is 0", back=len(packed))
    return mapped[:count]


def _class(word: int, kind: int) -> int:
    _, exponent_bits, mantissa_bits = SHAPES[kind]
    exponent = word >> mantissa_bits & (1 << exponent_bits) - 1
    return min(max(exponent - 896, 0), 255) if kind == 4 else exponent


def _counts(cursor: Cursor, of: list[int | None], contexts: int, lanes: int, share: int) -> None:
    """The elements of each context in each lane of `share` elements, which follow from what was read before."""
    found: dict[tuple[int | None, int], int] = {}
    for i, context in enumerate(of):
        found[context, i // share] = found.get((context, i // share), 0) + 1
    for context in range(contexts):
        for lane in range(lanes):
            right = found.get((context, lane), 0)
            cursor.number(3, f"elements of context {context} in lane {lane}", right, right)


def _numbers(cursor: Cursor, n: int, width: int) -> list[int]:
    """The numbers z of a context: symbols, and the extra bits of each."""
    if not n:
        return []
    m = 2 if width == 8 else 3
    symbols = grouped(cursor, n)
    extras = [0 if y < 2 << m else (y >> m) - 1 for y in symbols]
    if max(extras) > 8 * width - 1 - m:
        raise cursor.refused(f"numbers are less than 2^{8 * width}", max(symbols))
    size = -(-sum(extras) // 8)
    bits = "".join(f"{byte:08b}"[::-1] for byte in cursor.take(size, "extra bits")) + "0"
    numbers, at = [], 0
    for y, e in zip(symbols, extras, strict=True):
        x = int(bits[at : at + e][::-1] or "0", 2)
        numbers.append(y if y < 2 << m else ((y & (1 << m) - 1) + (1 << m) << e) + x)
        at += e
    if "1" in bits[at:]:
        raise cursor.refused("the bits that fill the last byte are 0", back=1)
    return numbers


def _moved(word: int, z: int, zeros: int, kind: int) -> int:
    """The element whose prediction is `word`."""
    width, exponent_bits, _ = SHAPES[kind]
    d = -(z + 1 >> 1) if z & 1 else z >> 1
    if not exponent_bits:
        return word + d & (1 << 8 * width) - 1
    top = 8 * width - 1
    magnitude = (word & (1 << top) - 1) >> zeros
    u = (-1 - magnitude if word >> top else magnitude) + d & (1 << 8 * width) - 1
    if u < 1 << top:
        return u << zeros & (1 << top) - 1
    return 1 << top | (~u << zeros) & (1 << top) - 1
