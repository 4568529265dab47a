#include "delta_symbols.hpp"

#include <algorithm>

namespace weighbridge {
namespace {

constexpr std::size_t kChunk = 32;  // symbols looked at together: without extra bits, or one by one

constexpr unsigned extra_bits(unsigned symbol, unsigned kept) {
  return symbol < (2u << kept) ? 0 : (symbol >> kept) - 1;
}

// Most extra bits of a symbol, and how many symbols' bits surely fit in 64 with seven bits that are there before; of
// 8-byte words the bits are put and taken in two halves.
template <typename Word>
constexpr unsigned kMostExtra = 8 * sizeof(Word) - 1 - kept_bits(sizeof(Word));
template <typename Word>
constexpr std::size_t kAtOnce = sizeof(Word) == 1 ? 8 : sizeof(Word) == 2 ? 4 : sizeof(Word) == 4 ? 2 : 1;
static_assert(7 + 8 * kMostExtra<std::uint8_t> <= 64 && 7 + 4 * kMostExtra<std::uint16_t> <= 64, "they fit");
static_assert(7 + 2 * kMostExtra<std::uint32_t> <= 64 && kMostExtra<std::uint64_t> <= 64, "they fit");

template <typename Word>
WEIGHBRIDGE_INLINE Word largest(const std::uint8_t* words, std::size_t count) {
  Word most = 0;
  for (std::size_t i = 0; i < count; ++i) most = std::max(most, load_le<Word>(words + i * sizeof(Word)));
  return most;
}

struct Tables {
  std::uint64_t base[256];
  std::uint8_t bits[256];
};

constexpr Tables list_symbols(unsigned kept) {
  Tables tables{};
  for (unsigned s = 0; s < 256; ++s) {
    const unsigned bits = extra_bits(s, kept);
    tables.bits[s] = static_cast<std::uint8_t>(bits);
    tables.base[s] = bits == 0 ? s : std::uint64_t{(s & ((1u << kept) - 1)) + (1u << kept)} << bits;
  }
  return tables;
}
constexpr Tables kTablesOf2 = list_symbols(2), kTablesOf3 = list_symbols(3);

template <typename Word>
WEIGHBRIDGE_INLINE const Tables& tables_of() {
  return sizeof(Word) == 8 ? kTablesOf2 : kTablesOf3;
}

WEIGHBRIDGE_INLINE std::uint64_t low_bits(std::uint64_t word, unsigned bits) {
  return word & ((std::uint64_t{1} << bits) - 1);
}

// Extra bits from a position on; eight bytes from its byte on must exist.
WEIGHBRIDGE_INLINE std::uint64_t bits_at(const std::uint8_t* data, std::size_t position) {
  return load_le<std::uint64_t>(data + (position >> 3)) >> (position & 7);
}

// Words of `count` symbols; sixteen bytes from the position of each on must exist.
template <typename Word>
WEIGHBRIDGE_INLINE void join_chunk(const std::uint8_t* symbols, std::size_t count, const std::uint8_t* data,
                                   std::size_t& position, std::uint8_t* words) {
  const Tables& tables = tables_of<Word>();
  for (std::size_t i = 0; i < count;) {
    std::uint64_t ahead = bits_at(data, position);
    for (const std::size_t end = std::min(i + kAtOnce<Word>, count); i < end; ++i) {
      const unsigned bits = tables.bits[symbols[i]];
      std::uint64_t extra = low_bits(ahead, sizeof(Word) == 8 ? std::min(bits, 32u) : bits);
      if constexpr (sizeof(Word) == 8)
        if (bits > 32) extra |= low_bits(bits_at(data, position + 32), bits - 32) << 32;
      store_le(words + i * sizeof(Word), static_cast<Word>(tables.base[symbols[i]] + extra));
      ahead >>= bits & 63;
      position += bits;
    }
  }
}

// Whether the extra bits of the symbols are `from`'s next bytes, filled up with zeros; takes them.
template <typename Word>
WEIGHBRIDGE_INLINE bool take_extra(const std::uint8_t* symbols, std::size_t count, Reader& from, Bytes& extra) {
  const Tables& tables = tables_of<Word>();
  std::size_t total = 0;
  unsigned most = 0;
  for (std::size_t start = 0; start < count; start += kChunk) {
    const std::size_t size = std::min(kChunk, count - start);
    const unsigned here = largest<std::uint8_t>(symbols + start, size);
    most = std::max(most, here);
    if (here < (2u << kept_bits(sizeof(Word)))) continue;
    for (std::size_t i = start; i < start + size; ++i) total += tables.bits[symbols[i]];
  }
  extra.size = (total + 7) / 8;
  if (most > most_symbol(sizeof(Word)) || !from.take(extra.size, extra.data)) return false;
  return (total & 7) == 0 || (extra.data[extra.size - 1] >> (total & 7)) == 0;
}

constexpr std::size_t kAhead = 16;  // bytes that are looked at from a position on

template <typename Word>
WEIGHBRIDGE_INLINE bool join_all(const std::uint8_t* symbols, std::size_t count, Reader& from, std::uint8_t* words) {
  constexpr std::size_t kMostChunk = (kChunk * kMostExtra<Word> + 7) / 8 + 1;  // bytes that a chunk may take
  Bytes extra;
  if (!take_extra<Word>(symbols, count, from, extra)) return false;
  std::size_t position = 0;
  for (std::size_t start = 0; start < count; start += kChunk) {
    const std::size_t size = std::min(kChunk, count - start);
    std::uint8_t* to = words + start * sizeof(Word);
    if (largest<std::uint8_t>(symbols + start, size) < (2u << kept_bits(sizeof(Word)))) {
      for (std::size_t i = 0; i < size; ++i) store_le(to + i * sizeof(Word), static_cast<Word>(symbols[start + i]));
    } else if ((position >> 3) + kMostChunk + kAhead <= extra.size) {
      join_chunk<Word>(symbols + start, size, extra.data, position, to);
    } else {  // near the end: from a copy with zeros after it
      std::uint8_t last[kMostChunk + 2 * kAhead] = {};
      const std::size_t done = position >> 3, left = std::min(extra.size - done, sizeof last - kAhead);
      std::memcpy(last, extra.data + done, left);
      position &= 7;
      join_chunk<Word>(symbols + start, size, last, position, to);
      position += 8 * done;
    }
  }
  return true;
}

// ---- for every width and path

WEIGHBRIDGE_INLINE bool join_any(unsigned width, const std::uint8_t* symbols, std::size_t count, Reader& from,
                                 std::uint8_t* words) {
  if (width == 1) return join_all<std::uint8_t>(symbols, count, from, words);
  if (width == 2) return join_all<std::uint16_t>(symbols, count, from, words);
  if (width == 4) return join_all<std::uint32_t>(symbols, count, from, words);
  return join_all<std::uint64_t>(symbols, count, from, words);
}

#if defined(WEIGHBRIDGE_X86)
WEIGHBRIDGE_AVX2 bool join_avx2(unsigned width, const std::uint8_t* symbols, std::size_t count, Reader& from,
                                std::uint8_t* words) {
  return join_any(width, symbols, count, from, words);
}
#endif

}  // namespace

bool join_symbols(unsigned width, const std::uint8_t* symbols, std::size_t count, Reader& from, std::uint8_t* words,
                  Path path) {
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) return join_avx2(width, symbols, count, from, words);
#endif
  static_cast<void>(path);
  return join_any(width, symbols, count, from, words);
}

}  // namespace weighbridge
