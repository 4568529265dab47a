// Splitting arrays of numbers and records into planes and columns, and merging them again.
//
// A plane holds the same byte of every element: exponents, which repeat, apart from mantissas, which do not. With
// `rotate`, each word is first rotated left by one bit, so that the sign leaves the top and an 8-bit exponent fills
// the top plane alone (spec/codecs.md, planes and records).
//
// Loops over memory that the caller owns: no allocation, no exceptions, no Python. Words are little-endian.
#pragma once
#include <cstddef>
#include <cstdint>

namespace weighbridge {

constexpr unsigned kMaxWidth = 8;

// `planes` holds width * count bytes: plane p starts at p * count. Width is 2, 4 or 8.
void split_planes(const std::uint8_t* elements, std::uint8_t* planes, std::size_t count, unsigned width, bool rotate);
void merge_planes(const std::uint8_t* const* planes, std::uint8_t* elements, std::size_t count, unsigned width,
                  bool rotate);

// The portable path, which the above take where the processor has no AVX2; tests compare the two.
void split_planes_portable(const std::uint8_t* elements, std::uint8_t* planes, std::size_t count, unsigned width,
                           bool rotate);
void merge_planes_portable(const std::uint8_t* const* planes, std::uint8_t* elements, std::size_t count,
                           unsigned width, bool rotate);
bool has_avx2();

// One column of records of `record` bytes: the `width` bytes at `at` of each, to or from contiguous memory.
void take_column(const std::uint8_t* records, std::uint8_t* column, std::size_t count, std::size_t record,
                 std::size_t at, std::size_t width);
void put_column(const std::uint8_t* column, std::uint8_t* records, std::size_t count, std::size_t record,
                std::size_t at, std::size_t width);

}  // namespace weighbridge
