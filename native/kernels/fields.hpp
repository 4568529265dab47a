// Splitting floating-point numbers into byte planes, and merging them again.
//
// A plane holds the same byte of every element. For bf16 and fp32 the bits are first rotated left by one, so
// that the whole exponent stands alone in the top plane and the sign joins the mantissa: exponents of weights
// are few and compress well, signs and mantissas hardly do.
//
// Loops over caller-owned memory: no allocation, no exceptions, no Python.
#pragma once
#include <cstddef>
#include <cstdint>

namespace weighbridge {

// `planes` holds width * count bytes: plane p (byte p of each rotated element, little-endian) starts at p * count.
void split_fields(const std::uint8_t* elements, std::uint8_t* planes, std::size_t count, unsigned width, bool rotate);
void merge_fields(const std::uint8_t* planes, std::uint8_t* elements, std::size_t count, unsigned width, bool rotate);

}  // namespace weighbridge
