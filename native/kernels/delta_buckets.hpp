// Folded differences of a run as symbols of a byte with extra bits, and back: all elements of a run at once.
//
// With m bits kept below the leading one, numbers below 2^(m+1) are symbols by themselves; above, every octave has 2^m
// symbols. Extra bits of neighbours that fill a word of 64 bits are packed and spread together.
#pragma once
#include "bytes.hpp"

namespace weighbridge {

constexpr std::size_t kLongestRun = 1024;

constexpr unsigned bucket_bits(unsigned width) { return width <= 2 ? 4 : width == 4 ? 3 : 2; }
constexpr unsigned highest_bucket(unsigned width) {
  return ((8 * width - 1 - bucket_bits(width)) << bucket_bits(width)) + (2u << bucket_bits(width)) - 1;
}

// Bits from bit 0 of each byte on; eight bytes from `at` on must exist.
struct ExtraWriter {
  std::uint8_t* at;
  std::uint64_t held = 0;
  unsigned used = 0;

  WEIGHBRIDGE_INLINE void put(std::uint64_t value, unsigned bits) {
    held |= value << used;
    used += bits;
  }
  // Keeps fewer than eight bits.
  WEIGHBRIDGE_INLINE void flush() {
    store_le(at, held);
    at += used >> 3;
    held >>= used & 56;
    used &= 7;
  }
};

// Adds the symbols of `count` (at most kLongestRun) words to `keys`, and their extra bits to `extra`.
void split_run(unsigned width, const std::uint8_t* words, std::size_t count, std::uint16_t* keys, ExtraWriter& extra,
               Path path);

// Extra bits and how many of them were read.
struct ExtraReader {
  Bytes bytes;
  std::size_t position = 0;

  // Whether nothing but zeros fill up the last byte.
  bool finish() const;
};

// Words of `count` symbols, which are in the upper bytes of `symbols`. False if there are not as many extra bits.
bool join_run(unsigned width, const std::uint16_t* symbols, std::size_t count, ExtraReader& extra, std::uint8_t* words,
              Path path);

}  // namespace weighbridge
