"""The sketch of a region, as spec/store.md defines it under Sketches. Reading a file needs none of it."""

WORDS = 1 << 18  # only so many count
SAMPLES = 64

FLOATS = {  # bytes of a word, bits of its exponent, bits of its mantissa
    "F64": (8, 11, 52),
    "F32": (4, 8, 23),
    "F16": (2, 5, 10),
    "BF16": (2, 8, 7),
    "F8_E4M3": (1, 4, 3),
    "F8_E4M3FNUZ": (1, 4, 3),
    "F8_E5M2": (1, 5, 2),
    "F8_E5M2FNUZ": (1, 5, 2),
    "C64": (4, 8, 23),
    "C128": (8, 11, 52),
}
INTEGERS = {"I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1}


def sketch(region: bytes, dtype: str) -> bytes:
    """The 16 bytes for the raw bytes of a region, or for as much of its beginning as `WORDS` words."""
    width = FLOATS[dtype][0] if dtype in FLOATS else INTEGERS.get(dtype, 1)
    count = min(len(region) // width, WORDS)
    if count < SAMPLES:
        return bytes(16)
    most = 1
    while 2 * most <= count:
        most *= 2
    step = most // SAMPLES
    signs = exponents = 0
    for number, random in enumerate(splitmix64(SAMPLES)):
        at = number * step + random % step
        word = int.from_bytes(region[at * width : (at + 1) * width], "little")
        signs |= (word >> (8 * width - 1)) << number
        exponents |= (exponent(word, width, dtype) % 2) << number
    return signs.to_bytes(8, "little") + exponents.to_bytes(8, "little")


def exponent(word: int, width: int, dtype: str) -> int:
    """Of the value of a word."""
    if dtype not in FLOATS:
        value = word - (1 << 8 * width) if word >> (8 * width - 1) else word
        return abs(value).bit_length() - 1 if value else 0
    _, exponent_bits, mantissa_bits = FLOATS[dtype]
    field = (word >> mantissa_bits) % (1 << exponent_bits)
    mantissa = word % (1 << mantissa_bits)
    bias = 2 ** (exponent_bits - 1) - 1
    if field:
        return field - bias
    return mantissa.bit_length() - mantissa_bits - bias if mantissa else 0


def splitmix64(count: int) -> list[int]:
    """Its first outputs, seeded with 0."""
    state, outputs = 0, []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        outputs.append(z ^ (z >> 31))
    return outputs
