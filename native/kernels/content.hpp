// Looking at bytes: where to cut them, and whether they can be made smaller.
//
// `next_cut` is part of what spec/store.md fixes; the two estimates only guide an encoder.
#pragma once
#include "bytes.hpp"

namespace weighbridge {

constexpr std::size_t kGearWindow = 64;

// Length of the first chunk: from `least` (at least kGearWindow) to `most`, ending where the upper `bits` bits (1 to
// 63) of the gear hash of the 64 bytes before are zero; `size` where the data ends first.
std::size_t next_cut(const std::uint8_t* data, std::size_t size, std::size_t least, unsigned bits, std::size_t most);

// Bits for each byte in the window that an order-0 code would shrink most, judged by the first `sample` bytes of each
// window; 8 where there is no byte.
double least_entropy(const std::uint8_t* data, std::size_t size, std::size_t window, std::size_t sample);

// Of a sample (one in 64, by value) of the different stretches of `words` (1, 2 or 4) eight-byte words at aligned places, the share
// that comes again. Each counts once, however often it comes: one frequent word is no reason to look for matches.
double repeat_share(const std::uint8_t* data, std::size_t size, std::size_t words, Path path);

}  // namespace weighbridge
