// Floating-point words cut in two: a symbol worth coding (exponent and leading mantissa bits) and the rest.
//
// A word of w bits, sign s and magnitude a (its other bits) of which the lowest `zeros` bits are nought, becomes
//
//     y = (a >> zeros) << 1 | s          v = y >> rest_bits          rest = y mod 2^rest_bits
//
// v is the exponent with the `kept` leading mantissa bits below it. It goes into a byte by taking out the gap
// between zero (and subnormal numbers, v < Z = 2^kept) and the smallest normal number: symbol = v < Z ? v : v - gap.
//
// The rest is stored as byte planes, its lowest byte first, and the bits left over, packed: in groups of 256
// elements (the last may be smaller), lane l of L = ceil(group / 8) holds elements l, L + l, … 7L + l, with zeros
// for those that do not exist. Its eight values of t bits become t bytes, byte j at j * L + l: value j in the low t
// bits, and above it bits j(8 - t) … of the values t … 7, which form one number, value t in its lowest bits.
#pragma once
#include "bytes.hpp"

namespace weighbridge {

constexpr std::size_t kGroup = 256;

struct WordLayout {
  unsigned width;          // bytes of a word: 1, 2, 4 or 8
  unsigned mantissa_bits;  // of the number format
  unsigned zeros;          // mantissa bits that are nought in every word, at most mantissa_bits
  unsigned kept;           // mantissa bits in the symbol, at most mantissa_bits - zeros
  std::uint32_t gap;       // v of the smallest normal number, less 2^kept

  unsigned rest_bits() const { return mantissa_bits - zeros - kept + 1; }
  unsigned planes() const { return rest_bits() / 8; }
  unsigned leftover() const { return rest_bits() % 8; }
};

// Where the fields of `count` words lie: symbols[count]; planes()[count] each; packed_size bytes of leftover bits.
struct Fields {
  std::uint8_t* symbols;
  std::uint8_t* planes[7];
  std::uint8_t* packed;
};
struct ConstFields {
  const std::uint8_t* symbols;
  const std::uint8_t* planes[7];
  const std::uint8_t* packed;
};

std::size_t packed_size(std::size_t count, unsigned leftover);

// Every v must be below the gap plus 256, and none between Z and the gap plus Z: see `survey_words`.
void split_words(const WordLayout& layout, const std::uint8_t* words, std::size_t count, const Fields& to, Path path);

// Any fields give some words.
void merge_words(const WordLayout& layout, const ConstFields& from, std::size_t count, std::uint8_t* words, Path path);

// What a stretch of words has in common.
struct Survey {
  std::uint64_t any = 0;           // the magnitudes' bits, or-ed
  std::uint64_t largest = 0;       // magnitude
  std::uint64_t smallest = ~0ull;  // magnitude of a normal number, less the smallest normal magnitude
  bool same = true;                // every word is the first one

  void add(const Survey& other);  // `same` is left alone
};
Survey survey_words(unsigned width, unsigned mantissa_bits, const std::uint8_t* words, std::size_t count, Path path);

}  // namespace weighbridge
