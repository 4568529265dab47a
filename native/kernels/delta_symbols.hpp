// Symbols of form 2 as folded differences: the number's highest bits, and extra bits for the others.
//
// With m bits kept below the leading one, numbers below 2^(m+1) are symbols by themselves; above, every octave has 2^m
// symbols. So a byte does for 64 bits.
#pragma once
#include "bytes.hpp"

namespace weighbridge {

constexpr unsigned kept_bits(unsigned width) { return width == 8 ? 2 : 3; }
constexpr unsigned most_symbol(unsigned width) {
  return ((8 * width - 1 - kept_bits(width)) << kept_bits(width)) + (2u << kept_bits(width)) - 1;
}

// Words of `count` symbols. False if a symbol is none of this width, or the extra bits are cut short or not filled up with
// zeros.
bool join_symbols(unsigned width, const std::uint8_t* symbols, std::size_t count, Reader& from, std::uint8_t* words,
                  Path path);

}  // namespace weighbridge
