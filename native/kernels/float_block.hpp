// Blocks: elements of one number format, packed without loss; the specification of packed blocks states every byte.
//
// A block is cut into parts where the data changes its nature. A part is stored, or one repeated word, or split into
// symbols (exponent and leading mantissa bits), Huffman-coded with a code for each cluster of rows, and the rest.
#pragma once
#include "huffman_stream.hpp"
#include "run_clusters.hpp"

namespace weighbridge {

enum class Kind : std::uint8_t { bytes = 0, bf16 = 1, fp16 = 2, fp32 = 3, fp64 = 4, fp8_e4m3 = 5, fp8_e5m2 = 6 };
constexpr unsigned kKinds = 7;
constexpr std::size_t kMaxPart = std::size_t{1} << 19;  // elements

unsigned kind_width(Kind kind);  // bytes of an element

// Where rows of a matrix lie in a block: none shorter than 1; length 0 if unknown.
struct Rows {
  std::size_t length = 0;
  std::size_t offset = 0;  // position in its row of the block's first element
};

struct EncodeScratch {
  std::uint8_t symbols[kMaxPart + kOvershoot];
  std::uint8_t ordered[kMaxPart + kOvershoot];
  Clusters clusters;
  HuffmanCode codes[kMaxClusters];
};

struct DecodeScratch {
  std::uint8_t symbols[kMaxPart + kOvershoot];
  std::uint8_t ordered[kMaxPart + kOvershoot];
  std::uint8_t planes[7][kMaxPart + kOvershoot];
  DecodeTables tables;
};

// Bytes that must be writable for `encode_block` of `size` bytes.
std::size_t encode_bound(std::size_t size);

// `raw.size` must be a multiple of the kind's width. Returns the size of the block.
std::size_t encode_block(Kind kind, Bytes raw, Rows rows, std::uint8_t* block, EncodeScratch& scratch, Path path);

// Why a block could not be decoded; `none` if it was. `raw` must be filled exactly.
enum class Fault { none, version, kind, length, part, code, labels, trailing };
Fault decode_block(Bytes block, std::uint8_t* raw, std::size_t raw_size, DecodeScratch& scratch, Path path);

}  // namespace weighbridge
