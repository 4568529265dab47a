// Sequences of small symbols at less than a bit each: neighbours share a byte, which a Huffman code then sees as one.
//
// Of each symbol 8 / g bits are kept in a byte that holds g of them, the first one lowest. A symbol that is too large for
// that leaves the highest value there, the escape; what it exceeds it by comes in a sequence of its own. Both may be
// grouped again, so that zeros which all but fill a sequence cost next to nothing.
#pragma once
#include "huffman_stream.hpp"

namespace weighbridge {

constexpr unsigned kMaxNesting = 4;  // sequences within one another; the innermost are not grouped

// Memory for a sequence of up to `kMost` symbols and those within it.
template <std::size_t kMost>
struct GroupMemory {
  std::uint8_t bytes[kMaxNesting * (2 * kMost + 4 * kOvershoot)];
};

// Hands out pieces of such memory, the last one to be given back first.
class Pieces {
 public:
  explicit Pieces(std::uint8_t* memory) : next_(memory) {}
  std::uint8_t* take(std::size_t size) {
    std::uint8_t* piece = next_;
    next_ += size + kOvershoot;
    return piece;
  }
  void back_to(std::uint8_t* piece) { next_ = piece; }

 private:
  std::uint8_t* next_;
};

// Most bytes that `encode_grouped` writes for `count` symbols, whatever they are.
constexpr std::size_t grouped_bound(std::size_t count) { return 8 * count + 8192; }

// One symbol at least. `symbols` must be readable for kOvershoot bytes after its end.
void encode_grouped(Bytes symbols, Writer& to, Pieces memory, Path path);

// Reads one sequence of `count` symbols; false if the bytes are not one. Writes up to kOvershoot bytes after the end.
bool decode_grouped(Reader& from, std::uint8_t* symbols, std::size_t count, Pieces memory, DecodeTables& tables,
                    Path path);

}  // namespace weighbridge
