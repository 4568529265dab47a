// Casts between bf16, fp16 and fp32, exact to the bit on every machine: by integers, rounded to nearest, ties to even.
#pragma once
#include "bytes.hpp"

namespace weighbridge {

enum class CastKind : unsigned { bf16 = 1, fp16 = 2, fp32 = 3 };  // as kinds of a block

// `count` elements; from and to differ.
void cast_words(CastKind from, CastKind to, const std::uint8_t* words, std::size_t count, std::uint8_t* cast, Path path);

}  // namespace weighbridge
