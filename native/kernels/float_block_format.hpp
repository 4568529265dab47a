// What the writer and the reader of blocks agree on.
#pragma once
#include "float_block.hpp"
#include "word_fields.hpp"

namespace weighbridge {

constexpr unsigned kVersion = 1;
enum Form : unsigned { kStored = 0, kRepeated = 1, kFields = 2 };
enum PlaneMode : unsigned { kPlain = 0, kCoded = 1 };

struct Format {
  unsigned width, exponent_bits, mantissa_bits;
  unsigned kept;  // mantissa bits in a symbol: more of them skew the code, and slow it down
};
constexpr Format kFormats[kKinds] = {{1, 0, 0, 0},   {2, 8, 7, 2}, {2, 5, 10, 3}, {4, 8, 23, 2},
                                     {8, 11, 52, 2}, {1, 4, 3, 3}, {1, 5, 2, 2}};

// Bytes are symbols as they are; other elements are split.
inline bool is_whole(const Format& format) { return format.exponent_bits == 0; }

inline const Format& format_of(Kind kind) { return kFormats[static_cast<unsigned>(kind)]; }

}  // namespace weighbridge
