// Length-limited canonical Huffman codes over bytes: lengths from counts, and a description of them in few bytes.
//
// Codes are read most significant bit first. Symbols in order of (length, value) take consecutive intervals of
// the code space, each 2^-length wide, from zero upwards; a code is always complete: its intervals fill the space.
//
// A description is the first and the last symbol, and unless they are one, the length of each symbol from the first to
// the last, in bits from the lowest: 0 for the length before (8 before the first), 1 0 b for one less (b = 0) or one
// more (b = 1), 1 1 and four bits for any; filled up to a byte with zeros. Lengths change little from one symbol to the
// next: this takes some two bits a symbol.
#pragma once
#include "bytes.hpp"

namespace weighbridge {

constexpr unsigned kMaxCodeLength = 12;
constexpr std::size_t kMaxDescription = 2 + 256 * 6 / 8;  // bytes

struct HuffmanCode {
  unsigned first = 0, last = 0;   // the symbols described; first == last is a constant, whose code is empty
  unsigned longest = 0;           // 0 for a constant
  std::uint8_t length[256] = {};  // 0: the symbol does not occur
};

// The code for `counts`, at least one of which is not zero; no code word is longer than `limit` (8 … 12) bits.
void build_code(const std::uint32_t counts[256], unsigned limit, HuffmanCode& code);

std::size_t description_size(const HuffmanCode& code);
void write_description(const HuffmanCode& code, Writer& to);
bool read_description(Reader& from, HuffmanCode& code);  // false: cut short, too long a word, or an incomplete code

// The symbols that occur, by (length, value); returns their number.
unsigned sort_symbols(const HuffmanCode& code, std::uint8_t sorted[256]);

// Bits that `counts` take in this code.
std::uint64_t coded_bits(const HuffmanCode& code, const std::uint32_t counts[256]);

}  // namespace weighbridge
