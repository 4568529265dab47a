// Sequences of bytes coded with one Huffman code, cut in five streams that are coded side by side.
//
// Decoding looks up the next 11 or 12 bits and finds several symbols at once; five streams hide each other's latency.
// The decoder may be given any bytes: it ends, stays inside its spans, and says whether they were right.
#pragma once
#include "huffman_code.hpp"

namespace weighbridge {

constexpr std::size_t kStreams = 5;
constexpr std::size_t kShortSequence = 1024;  // shorter ones are a single stream
constexpr std::size_t kOvershoot = 64;        // bytes that may be written after an output's end, and must exist

inline std::size_t stream_count(std::size_t symbols) { return symbols < kShortSequence ? 1 : kStreams; }

// Symbols of stream `index`: equal parts, of which the last ones may be shorter.
inline std::size_t stream_symbols(std::size_t count, std::size_t index) {
  const std::size_t part = (count + stream_count(count) - 1) / stream_count(count), before = part * index;
  return before >= count ? 0 : count - before < part ? count - before : part;
}

// Memory that a decoder needs for its tables, any content.
struct DecodeTables {
  std::uint64_t wide[2u << 11];
  std::uint32_t narrow[2u << 12];
};

// Description, sizes, streams. `code` must describe every symbol. Writes up to kOvershoot bytes after the end.
void encode_sequence(const HuffmanCode& code, Bytes symbols, Writer& to, Path path);

// Bytes that `encode_sequence` will write: exact up to the streams' last bytes, never too few.
std::size_t sequence_size(const HuffmanCode& code, std::size_t count, std::uint64_t bits);

// Reads one sequence of `count` symbols; false if the bytes are not one.
bool decode_sequence(Reader& from, std::uint8_t* symbols, std::size_t count, DecodeTables& tables, Path path);

}  // namespace weighbridge
