#include "grouped_sequence.hpp"

#include <algorithm>

#include "run_clusters.hpp"

namespace weighbridge {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101u, kLow7 = 0x7f7f7f7f7f7f7f7fu;
constexpr std::size_t kTooFew = 64;  // symbols for which groups are not worth their tables

constexpr unsigned escape_of(unsigned group) { return (1u << (8 / group)) - 1; }

// The highest bit of each byte of `word` that equals `byte`.
WEIGHBRIDGE_INLINE std::uint64_t bytes_equal(std::uint64_t word, unsigned byte) {
  const std::uint64_t x = word ^ (kOnes * byte);
  return ~(((x & kLow7) + kLow7) | x | kLow7);
}

// ---- from bytes to symbols and back

struct Spread {  // the symbols of every byte, for groups of 2, 4 and 8
  std::uint64_t of[3][256];
  constexpr Spread() : of() {
    for (unsigned t = 0; t < 3; ++t)
      for (unsigned byte = 0; byte < 256; ++byte) {
        const unsigned bits = 4u >> t;
        for (unsigned i = 0; i < 8 / bits; ++i)
          of[t][byte] |= static_cast<std::uint64_t>((byte >> (bits * i)) & ((1u << bits) - 1)) << (8 * i);
      }
  }
};
constexpr Spread kSpread;

constexpr unsigned table_of(unsigned group) { return group == 2 ? 0 : group == 4 ? 1 : 2; }

// Writes up to seven bytes more than the groups stand for.
void spread_groups(const std::uint8_t* groups, std::size_t count, unsigned group, std::uint8_t* symbols) {
  const std::uint64_t* spread = kSpread.of[table_of(group)];
  for (std::size_t i = 0; i < count; ++i) store_le(symbols + i * group, spread[groups[i]]);
}

std::size_t count_escapes(const std::uint8_t* symbols, std::size_t count, unsigned escape) {
  std::size_t found = 0, i = 0;
  for (; i + 8 <= count; i += 8) {
    const std::uint64_t at = bytes_equal(load_le<std::uint64_t>(symbols + i), escape) >> 7;
    found += static_cast<std::size_t>((at * kOnes) >> 56);
  }
  for (; i < count; ++i) found += symbols[i] == escape;
  return found;
}

// Calls `visit` with the position of every symbol that is `escape`; reads up to seven bytes after the end.
template <typename Visit>
WEIGHBRIDGE_INLINE void each_escape(const std::uint8_t* symbols, std::size_t count, unsigned escape, Visit visit) {
  for (std::size_t i = 0; i < count; i += 8) {
    std::uint64_t at = bytes_equal(load_le<std::uint64_t>(symbols + i), escape);
    for (; at != 0; at &= at - 1) {
      const std::size_t position = i + trailing_zeros(at) / 8;
      if (position < count) visit(position);
    }
  }
}

WEIGHBRIDGE_INLINE std::uint8_t join(std::uint64_t symbols, unsigned group) {
  if (group == 8) return static_cast<std::uint8_t>((symbols * 0x0102040810204080u) >> 56);
  if (group == 4) return static_cast<std::uint8_t>(symbols | (symbols >> 6) | (symbols >> 12) | (symbols >> 18));
  return static_cast<std::uint8_t>(symbols | (symbols >> 4));
}

// `capped`: none above the escape, and zeros after the end up to a whole group.
template <unsigned Group>
WEIGHBRIDGE_INLINE void join_groups(const std::uint8_t* capped, std::size_t groups, std::uint8_t* to) {
  for (std::size_t i = 0; i < groups; ++i) to[i] = join(load_le<std::uint64_t>(capped + i * Group), Group);
}

// ---- which group

// What is known of a sequence before it is coded: bits that it may take.
std::uint64_t grouped_bits(const std::uint32_t counts[256], std::size_t count, unsigned group) {
  const unsigned escape = escape_of(group);
  std::uint32_t capped[256] = {}, beyond[256] = {};
  std::size_t escapes = 0;
  for (unsigned s = 0; s < 256; ++s) {
    capped[std::min(s, escape)] += counts[s];
    if (s >= escape) {
      beyond[s - escape] = counts[s];
      escapes += counts[s];
    }
  }
  const std::uint64_t tables = 8 * (30 + std::min<std::size_t>(count / group / 16, 60));
  const std::uint64_t grouped = entropy_bits(capped, 0, escape) + count / group / 20 + tables;
  return escapes == 0 ? grouped : grouped + entropy_bits(beyond, 0, 255 - escape) + escapes / 16 + 8 * 24;
}

unsigned choose_group(const std::uint32_t counts[256], const HuffmanCode& code, std::size_t count, unsigned nesting) {
  if (nesting == kMaxNesting || count < kTooFew || code.longest == 0) return 1;
  std::uint64_t least = coded_bits(code, counts) + 8 * description_size(code);
  least -= least / 64;  // what is not grouped is read faster
  unsigned best = 1;
  for (unsigned group = 2; group <= 8; group *= 2) {
    const std::uint64_t bits = grouped_bits(counts, count, group);
    if (bits < least) {
      least = bits;
      best = group;
    }
  }
  return best;
}

// ---- both ways, a level at a time

void encode_level(Bytes symbols, Writer& to, unsigned nesting, Pieces memory, Path path);

template <unsigned Group>
void encode_groups(Bytes symbols, Writer& to, unsigned nesting, Pieces memory, Path path) {
  constexpr auto kEscape = static_cast<std::uint8_t>(escape_of(Group));
  const std::size_t groups = (symbols.size + Group - 1) / Group;
  std::uint8_t* capped = memory.take(symbols.size);
  for (std::size_t i = 0; i < symbols.size; ++i) capped[i] = std::min(symbols.data[i], kEscape);
  std::fill(capped + symbols.size, capped + symbols.size + kOvershoot, std::uint8_t{0});
  std::uint8_t* joined = memory.take(groups);
  join_groups<Group>(capped, groups, joined);
  encode_level({joined, groups}, to, nesting + 1, memory, path);
  memory.back_to(joined);
  std::uint8_t *beyond = joined, *end = joined;  // escapes; there may be as many as symbols
  each_escape(capped, symbols.size, kEscape,
              [&](std::size_t i) { *end++ = static_cast<std::uint8_t>(symbols.data[i] - kEscape); });
  if (end == beyond) return;
  const auto escapes = static_cast<std::size_t>(end - beyond);
  memory.take(escapes);
  encode_level({beyond, escapes}, to, nesting + 1, memory, path);
}

void encode_level(Bytes symbols, Writer& to, unsigned nesting, Pieces memory, Path path) {
  std::uint32_t tables[kTables][256] = {}, counts[256] = {};
  count_bytes(symbols.data, symbols.size, tables);
  for (unsigned t = 0; t < kTables; ++t)
    for (unsigned s = 0; s < 256; ++s) counts[s] += tables[t][s];
  HuffmanCode code;
  build_code(counts, kMaxCodeLength, code);
  const unsigned group = choose_group(counts, code, symbols.size, nesting);
  to.number(1, group);
  if (group == 1) return encode_sequence(code, symbols, to, path);
  if (group == 2) return encode_groups<2>(symbols, to, nesting, memory, path);
  if (group == 4) return encode_groups<4>(symbols, to, nesting, memory, path);
  encode_groups<8>(symbols, to, nesting, memory, path);
}

bool patch_escapes(std::uint8_t* symbols, std::size_t count, unsigned escape, const std::uint8_t* beyond) {
  unsigned most = 0;
  each_escape(symbols, count, escape, [&](std::size_t i) {
    const unsigned symbol = escape + *beyond++;
    most = std::max(most, symbol);
    symbols[i] = static_cast<std::uint8_t>(symbol);
  });
  return most <= 255;
}

bool decode_level(Reader& from, std::uint8_t* symbols, std::size_t count, unsigned nesting, Pieces memory,
                  DecodeTables& tables, Path path) {
  std::uint32_t group;
  if (!from.number(1, group)) return false;
  if (group == 1) return decode_sequence(from, symbols, count, tables, path);
  if ((group != 2 && group != 4 && group != 8) || nesting == kMaxNesting) return false;
  const std::size_t groups = (count + group - 1) / group;
  std::uint8_t* joined = memory.take(groups);
  if (!decode_level(from, joined, groups, nesting + 1, memory, tables, path)) return false;
  spread_groups(joined, groups, group, symbols);
  for (std::size_t i = count; i < groups * group; ++i)
    if (symbols[i] != 0) return false;
  memory.back_to(joined);
  const std::size_t escapes = count_escapes(symbols, count, escape_of(group));
  if (escapes == 0) return true;
  std::uint8_t* beyond = memory.take(escapes);
  if (!decode_level(from, beyond, escapes, nesting + 1, memory, tables, path)) return false;
  return patch_escapes(symbols, count, escape_of(group), beyond);
}

}  // namespace

void encode_grouped(Bytes symbols, Writer& to, Pieces memory, Path path) { encode_level(symbols, to, 1, memory, path); }

bool decode_grouped(Reader& from, std::uint8_t* symbols, std::size_t count, Pieces memory, DecodeTables& tables,
                    Path path) {
  return decode_level(from, symbols, count, 1, memory, tables, path);
}

}  // namespace weighbridge
