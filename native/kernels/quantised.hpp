// Quantised blocks as ggml writes them, and booleans: numbers coded in contexts that their scales give.
//
// Within a block the numbers are spread by the scale, and where zero lies among them by the minimum. So each sub-block
// (a unit) has a context computed from its parameters, neighbouring contexts share a Huffman code where that is
// cheaper, and nothing has to be said of which code a unit takes. The specification of codec 7 states every byte.
#pragma once
#include "huffman_stream.hpp"
#include "run_clusters.hpp"

namespace weighbridge {

enum class Quantised : std::uint8_t { q4_0 = 0, q5_0 = 1, q8_0 = 2, q4_k = 3, q5_k = 4, q6_k = 5, boolean = 6 };
constexpr unsigned kQuantisedFormats = 7;
constexpr unsigned kContexts = 16;
constexpr std::size_t kMaxSymbols = std::size_t{1} << 20;  // of a part

std::size_t record_size(Quantised format);

struct QuantisedScratch {
  std::uint8_t ordered[kMaxSymbols + kOvershoot];  // symbols, those of the lowest context first
  std::uint8_t column[kMaxSymbols + kOvershoot];
  std::uint8_t context[kMaxSymbols];  // of each unit
  std::uint32_t counts[kContexts][256];
  std::uint32_t tables[kTables][256];
  HuffmanCode codes[kContexts];
  DecodeTables decode;
};

// Bytes that must be writable for `encode_quantised` of `size` bytes.
std::size_t quantised_bound(std::size_t size);

// Returns the size of what was written.
std::size_t encode_quantised(Quantised format, Bytes raw, std::uint8_t* to, QuantisedScratch& scratch, Path path);

enum class QuantisedFault { none, version, format, length, part, clusters, code, symbol, trailing };
QuantisedFault decode_quantised(Bytes packed, std::uint8_t* raw, std::size_t raw_size, QuantisedScratch& scratch,
                                Path path);

}  // namespace weighbridge
