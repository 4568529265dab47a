// Table-driven asymmetric numeral systems (tANS, FSE) over bytes: how often symbols occur of 2^T, and what follows from it.
//
// The counts of a code sum to 2^T. Symbols are spread over 2^T states as often as their counts say; a state names its
// symbol, how many bits lead on from it, and to which states. Several codes share T, so that a state of one is a state
// of every other and each symbol may be coded with the code that its context names.
#pragma once
#include "bytes.hpp"

namespace weighbridge {

constexpr unsigned kMinTableLog = 8, kMaxTableLog = 11;
constexpr std::size_t kMaxCountBytes = 1 + (256 * 25 + 7) / 8;  // of a description

struct TansCounts {
  unsigned last = 0;            // the highest symbol that occurs
  std::uint16_t of[256] = {};  // 0: the symbol does not occur
};

// Counts that sum to 2^log, in about the proportion of `seen`, one of which at least is not 0; none that occurs is lost.
void normalise_counts(const std::uint32_t seen[256], unsigned log, TansCounts& counts);

// A description is a byte, the highest symbol, and the count of each symbol from 0 on as its difference from the one
// before (from 0 at first), folded as 0, -1, 1, -2 … to n = 0, 1, 2, 3 …, in Elias' gamma code of n + 1: as many zeros as
// there are bits below the highest one of it, then it, highest bit first. Bits are from bit 0 of each byte on, and the
// last byte is filled up with zeros.
void write_counts(const TansCounts& counts, Writer& to);
bool read_counts(Reader& from, unsigned log, TansCounts& counts);  // false: cut short, or none of that sum

// A state of a decoder: its symbol · 256 + the bits to read, 0 … T, and what these are added to for the next state.
struct TansEntry {
  std::uint16_t symbol, next;
};
void fill_decode_table(const TansCounts& counts, unsigned log, TansEntry* table);

// A symbol of an encoder in state x = 2^T … 2^(T+1) - 1: (x + bits) >> 16 low bits of x are written, and the next state is
// entry first + (x >> those) of the states.
struct TansSymbol {
  std::uint32_t bits;
  std::int32_t first;
};
// The states of this code are states[at] … states[at + 2^T - 1].
void fill_encode_table(const TansCounts& counts, unsigned log, TansSymbol symbols[256], std::uint16_t* states,
                       std::size_t at);

}  // namespace weighbridge
