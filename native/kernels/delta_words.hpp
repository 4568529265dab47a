// Blocks beside their predictions: differences of ordered words, and what the prediction tells of each before it is known.
//
// An ordered word has the order of the floats as signed integers: a positive one is its magnitude, a negative one the
// complement of it. Differences wrap around and are folded: 0, -1, 1, -2, 2 … become 0, 1, 2, 3, 4 …
#pragma once
#include "bytes.hpp"

namespace weighbridge {

constexpr std::size_t kMaxDeltaPart = std::size_t{1} << 19;  // elements

// How words are read: as floats with so many exponent and mantissa bits, or as integers, where both are 0.
struct DeltaKind {
  unsigned width, exponent_bits, mantissa_bits;

  bool is_float() const { return exponent_bits != 0; }
};
constexpr unsigned kDeltaKinds = 10;
constexpr DeltaKind kDeltaKind[kDeltaKinds] = {{1, 0, 0},  {2, 8, 7}, {2, 5, 10}, {4, 8, 23}, {8, 11, 52},
                                               {1, 4, 3}, {1, 5, 2}, {2, 0, 0},  {4, 0, 0},  {8, 0, 0}};

constexpr std::uint64_t kFirstDoubleClass = 896;  // fp64: exponents from here on, 256 of them, are told apart

// The class of a word: its exponent, in a byte. Integers have one class. Held by value, so that no store is thought to
// change it.
template <typename Word>
struct WordClass {
  unsigned shift;
  Word mask;

  explicit WordClass(const DeltaKind& kind)
      : shift(kind.mantissa_bits), mask(static_cast<Word>((1u << kind.exponent_bits) - 1)) {}

  WEIGHBRIDGE_INLINE unsigned operator()(Word word) const {
    const Word exponent = static_cast<Word>((word >> shift) & mask);
    if constexpr (sizeof(Word) < 8) return static_cast<unsigned>(exponent);
    const std::uint64_t above = exponent < kFirstDoubleClass ? 0 : exponent - kFirstDoubleClass;
    return static_cast<unsigned>(above > 255 ? 255 : above);
  }
};

// The lowest mantissa bits that are nought in all words; 0 for integers.
unsigned common_zeros(const DeltaKind& kind, const std::uint8_t* words, std::size_t count, Path path);

// Folded differences of words whose lowest `zeros` mantissa bits are cut off, as words of the same width; and of every
// run of `run` of them a figure of about twice the binary logarithm of the mean distance: 0 where all are the same.
void fold_words(const DeltaKind& kind, unsigned zeros, const std::uint8_t* words, const std::uint8_t* predicted,
                std::size_t count, std::size_t run, std::uint8_t* folded, std::uint16_t* activity, Path path);

// The other way; `words` holds the folded differences and is overwritten.
void unfold_words(const DeltaKind& kind, unsigned zeros, const std::uint8_t* predicted, std::size_t count,
                  std::uint8_t* words, Path path);

}  // namespace weighbridge
