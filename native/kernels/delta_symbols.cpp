#include "delta_symbols.hpp"

#include <algorithm>

namespace weighbridge {
namespace {

constexpr unsigned extra_bits(unsigned symbol, unsigned kept) {
  return symbol < (2u << kept) ? 0 : (symbol >> kept) - 1;
}

// Bits from bit 0 of each byte on.
struct ExtraWriter {
  std::uint8_t* at;
  std::uint64_t held = 0;
  unsigned used = 0;  // less than 8 between two numbers

  WEIGHBRIDGE_INLINE void put(std::uint64_t value, unsigned bits) {  // at most 56
    held |= value << used;
    used += bits;
    store_le(at, held);
    at += used >> 3;
    held >>= used & 56;
    used &= 7;
  }
};

template <typename Word>
WEIGHBRIDGE_INLINE Word largest(const std::uint8_t* words, std::size_t count) {
  Word most = 0;
  for (std::size_t i = 0; i < count; ++i) most = std::max(most, load_le<Word>(words + i * sizeof(Word)));
  return most;
}

template <typename Word>
WEIGHBRIDGE_INLINE void split_all(const std::uint8_t* words, std::size_t count, std::uint8_t* symbols, Writer& to) {
  constexpr unsigned kKept = kept_bits(sizeof(Word));
  if (largest<Word>(words, count) < (2u << kKept)) {
    for (std::size_t i = 0; i < count; ++i)
      symbols[i] = static_cast<std::uint8_t>(load_le<Word>(words + i * sizeof(Word)));
    return;
  }
  ExtraWriter extra{to.at()};
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t word = load_le<Word>(words + i * sizeof(Word));
    const unsigned bits = 63 - leading_zeros(word | (1u << kKept)) - kKept;
    symbols[i] = static_cast<std::uint8_t>((bits << kKept) + (word >> bits));
    const std::uint64_t low = word & ((std::uint64_t{1} << bits) - 1);
    if constexpr (sizeof(Word) == 8) {
      extra.put(low & 0xffffffff, std::min(bits, 32u));
      extra.put(low >> 32, bits - std::min(bits, 32u));
    } else {
      extra.put(low, bits);
    }
  }
  to.rewind(extra.at + (extra.used != 0));
}

// Reads up to 56 bits; `at` and the seven bytes after it must exist.
struct ExtraReader {
  const std::uint8_t* data;
  std::size_t position = 0;

  WEIGHBRIDGE_INLINE std::uint64_t take(unsigned bits) {
    const std::uint64_t ahead = load_le<std::uint64_t>(data + (position >> 3)) >> (position & 7);
    position += bits;
    return ahead & ((std::uint64_t{1} << bits) - 1);
  }
};

template <unsigned Width>
WEIGHBRIDGE_INLINE std::uint64_t take_extra(ExtraReader& from, unsigned bits) {
  if constexpr (Width < 8) return from.take(bits);
  const std::uint64_t low = from.take(std::min(bits, 32u));
  return low | (from.take(bits - std::min(bits, 32u)) << 32);
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
    if (bits < 64) tables.base[s] = bits == 0 ? s : std::uint64_t{(s & ((1u << kept) - 1)) + (1u << kept)} << bits;
  }
  return tables;
}
constexpr Tables kTablesOf2 = list_symbols(2), kTablesOf3 = list_symbols(3);

// As many as may be read in one go, whatever they are, with eight bytes left.
constexpr std::size_t kTail = 16;

template <typename Word>
WEIGHBRIDGE_INLINE bool join_all(const std::uint8_t* symbols, std::size_t count, Reader& from, std::uint8_t* words) {
  constexpr unsigned kWidth = sizeof(Word), kKept = kept_bits(kWidth);
  const unsigned most = largest<std::uint8_t>(symbols, count);
  if (most < (2u << kKept)) {
    for (std::size_t i = 0; i < count; ++i) store_le(words + i * kWidth, static_cast<Word>(symbols[i]));
    return true;
  }
  if (most > most_symbol(kWidth)) return false;
  const Tables& tables = kWidth == 8 ? kTablesOf2 : kTablesOf3;
  std::size_t total = 0;
  for (std::size_t i = 0; i < count; ++i) total += tables.bits[symbols[i]];
  const std::size_t size = (total + 7) / 8;
  const std::uint8_t* data;
  if (!from.take(size, data)) return false;
  if ((total & 7) != 0 && (data[size - 1] >> (total & 7)) != 0) return false;
  ExtraReader extra{data};
  const std::size_t safe = size < kTail ? 0 : 8 * (size - kTail);  // up to this bit, sixteen bytes are there
  std::size_t i = 0;
  for (; i < count && extra.position <= safe && size >= kTail; ++i) {
    const std::uint8_t symbol = symbols[i];
    store_le(words + i * kWidth,
             static_cast<Word>(tables.base[symbol] | take_extra<kWidth>(extra, tables.bits[symbol])));
  }
  // The last bytes, with zeros after them.
  std::uint8_t last[2 * kTail + 8] = {};
  const std::size_t start = std::min(extra.position >> 3, size);
  std::memcpy(last, data + start, size - start);
  ExtraReader rest{last, extra.position - 8 * start};
  for (; i < count; ++i) {
    const std::uint8_t symbol = symbols[i];
    store_le(words + i * kWidth,
             static_cast<Word>(tables.base[symbol] | take_extra<kWidth>(rest, tables.bits[symbol])));
  }
  return true;
}

WEIGHBRIDGE_INLINE void split_any(unsigned width, const std::uint8_t* words, std::size_t count, std::uint8_t* symbols,
                                  Writer& to) {
  if (width == 1) return split_all<std::uint8_t>(words, count, symbols, to);
  if (width == 2) return split_all<std::uint16_t>(words, count, symbols, to);
  if (width == 4) return split_all<std::uint32_t>(words, count, symbols, to);
  split_all<std::uint64_t>(words, count, symbols, to);
}

WEIGHBRIDGE_INLINE bool join_any(unsigned width, const std::uint8_t* symbols, std::size_t count, Reader& from,
                                 std::uint8_t* words) {
  if (width == 1) return join_all<std::uint8_t>(symbols, count, from, words);
  if (width == 2) return join_all<std::uint16_t>(symbols, count, from, words);
  if (width == 4) return join_all<std::uint32_t>(symbols, count, from, words);
  return join_all<std::uint64_t>(symbols, count, from, words);
}

#if defined(WEIGHBRIDGE_X86)
WEIGHBRIDGE_AVX2 void split_avx2(unsigned width, const std::uint8_t* words, std::size_t count, std::uint8_t* symbols,
                                 Writer& to) {
  split_any(width, words, count, symbols, to);
}
WEIGHBRIDGE_AVX2 bool join_avx2(unsigned width, const std::uint8_t* symbols, std::size_t count, Reader& from,
                                std::uint8_t* words) {
  return join_any(width, symbols, count, from, words);
}
#endif

}  // namespace

void split_symbols(unsigned width, const std::uint8_t* words, std::size_t count, std::uint8_t* symbols, Writer& to,
                   Path path) {
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) return split_avx2(width, words, count, symbols, to);
#endif
  static_cast<void>(path);
  split_any(width, words, count, symbols, to);
}

bool join_symbols(unsigned width, const std::uint8_t* symbols, std::size_t count, Reader& from, std::uint8_t* words,
                  Path path) {
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) return join_avx2(width, symbols, count, from, words);
#endif
  static_cast<void>(path);
  return join_any(width, symbols, count, from, words);
}

}  // namespace weighbridge
