#include "huffman_stream.hpp"

namespace weighbridge {
namespace {

struct CodeWords {
  std::uint64_t bits[256];  // left-aligned
  std::uint64_t length[256];
};

void list_words(const HuffmanCode& code, CodeWords& words) {
  std::uint8_t sorted[256];
  const unsigned n = sort_symbols(code, sorted);
  std::uint64_t position = 0;
  for (unsigned i = 0; i < n; ++i) {
    const unsigned length = code.length[sorted[i]];
    words.bits[sorted[i]] = position << (64 - kMaxCodeLength);
    words.length[sorted[i]] = length;
    position += 1u << (kMaxCodeLength - length);
  }
}

struct BitWriter {
  std::uint8_t* at;
  std::uint64_t bits = 0;  // left-aligned
  std::uint64_t used = 0;

  WEIGHBRIDGE_INLINE void put(const CodeWords& words, std::uint8_t symbol) {
    bits |= words.bits[symbol] >> used;
    used += words.length[symbol];
  }
  // Keeps fewer than eight bits.
  WEIGHBRIDGE_INLINE void flush() {
    store_be64(at, bits);
    at += used >> 3;
    bits <<= used & 56;
    used &= 7;
  }
};

// Code words of two symbols at once, for the 64 neighbouring symbols that are most frequent: half the look-ups.
struct PairWords {
  static constexpr unsigned kWindow = 64;
  std::uint64_t word[kWindow * kWindow];  // left-aligned; the number of bits in the lowest six
  std::uint8_t first;
};

constexpr std::size_t kPairsPay = 16384;  // symbols below which making the table takes longer than it saves
constexpr std::size_t kPairChunk = 64;    // symbols looked at together: all in the window, or coded one by one

std::uint8_t best_window(const CodeWords& words) {
  std::uint32_t weight = 0, most = 0, best = 0;
  for (unsigned s = 0; s < 256; ++s) {
    weight += words.length[s] == 0 ? 0 : 1u << (kMaxCodeLength - words.length[s]);
    if (s >= PairWords::kWindow && words.length[s - PairWords::kWindow] != 0)
      weight -= 1u << (kMaxCodeLength - words.length[s - PairWords::kWindow]);
    if (weight > most && s + 1 >= PairWords::kWindow) {
      most = weight;
      best = s + 1 - PairWords::kWindow;
    }
  }
  return static_cast<std::uint8_t>(best);
}

WEIGHBRIDGE_INLINE void list_pairs(const CodeWords& words, PairWords& pairs) {
  pairs.first = best_window(words);
  const std::uint64_t* bits = words.bits + pairs.first;
  const std::uint64_t* length = words.length + pairs.first;
  for (unsigned a = 0; a < PairWords::kWindow; ++a) {
    std::uint64_t* to = pairs.word + a * PairWords::kWindow;
    for (unsigned b = 0; b < PairWords::kWindow; ++b)
      to[b] = bits[a] | (bits[b] >> length[a]) | (length[a] + length[b]);
  }
}

// Indices of pairs, or false if a symbol is not in the window.
WEIGHBRIDGE_INLINE bool index_pairs(const std::uint8_t* from, std::uint8_t first, std::uint16_t index[kPairChunk / 2]) {
  std::uint8_t inside[kPairChunk], any = 0;
  for (std::size_t i = 0; i < kPairChunk; ++i) {
    inside[i] = static_cast<std::uint8_t>(from[i] - first);
    any = static_cast<std::uint8_t>(any | inside[i]);
  }
  for (std::size_t i = 0; i < kPairChunk / 2; ++i) {
    const auto two = load_le<std::uint16_t>(inside + 2 * i);
    index[i] = static_cast<std::uint16_t>(static_cast<std::uint16_t>((two & 63) << 6) | ((two >> 8) & 63));
  }
  return any < PairWords::kWindow;
}

// Bits that may be in use before a flush: the lowest six take what is left of lengths.
constexpr std::uint64_t kMostUsed = 58;

// Four entries and a flush, if they fit, as they nearly always do. They are joined apart from what the writer holds, so
// that one group need not wait for the one before it.
WEIGHBRIDGE_INLINE bool put_four(const std::uint64_t* words, const std::uint16_t index[4], BitWriter& writer) {
  std::uint64_t bits = 0, length = 0;
  for (unsigned k = 0; k < 4; ++k) {
    const std::uint64_t word = words[index[k]];
    bits |= word >> (length & 63);
    length += word;  // only the lowest seven bits, which are the sum of lengths, are used of it
  }
  length &= 127;
  if (writer.used + length > kMostUsed) return false;
  writer.bits |= (bits & ~std::uint64_t{63}) >> writer.used;
  writer.used += length;
  writer.flush();
  return true;
}

// The same one by one. Not inlined, so that it takes no registers from the loop that seldom calls it.
WEIGHBRIDGE_NOINLINE BitWriter put_each(const std::uint64_t* words, const std::uint16_t index[4], BitWriter writer) {
  for (unsigned k = 0; k < 4; ++k) {
    const std::uint64_t word = words[index[k]];
    writer.bits |= (word & ~std::uint64_t{63}) >> writer.used;
    writer.used += word & 63;
    writer.flush();
  }
  return writer;
}

WEIGHBRIDGE_INLINE void put_pairs(const PairWords& pairs, const std::uint16_t index[kPairChunk / 2],
                                  BitWriter& writer) {
  for (std::size_t i = 0; i < kPairChunk / 2; i += 4)
    if (!put_four(pairs.word, index + i, writer)) writer = put_each(pairs.word, index + i, writer);
}

template <unsigned PerFlush>
WEIGHBRIDGE_INLINE void put_symbols(const CodeWords& words, const std::uint8_t* from, std::size_t count,
                                    BitWriter& writer) {
  std::size_t i = 0;
  for (; i + PerFlush <= count; i += PerFlush) {
    for (unsigned k = 0; k < PerFlush; ++k) writer.put(words, from[i + k]);
    writer.flush();
  }
  for (; i < count; ++i) {
    writer.put(words, from[i]);
    writer.flush();
  }
}

WEIGHBRIDGE_INLINE std::uint8_t* encode_stream(const CodeWords& words, const PairWords* pairs, const std::uint8_t* from,
                                               std::size_t count, std::uint8_t* to) {
  BitWriter writer{to};
  std::size_t i = 0;
  for (; pairs != nullptr && i + kPairChunk <= count; i += kPairChunk) {
    std::uint16_t index[kPairChunk / 2];
    if (index_pairs(from + i, pairs->first, index)) {
      put_pairs(*pairs, index, writer);
    } else {
      put_symbols<4>(words, from + i, kPairChunk, writer);
    }
  }
  put_symbols<4>(words, from + i, count - i, writer);
  store_be64(writer.at, writer.bits);
  return writer.at + (writer.used != 0);
}

WEIGHBRIDGE_INLINE void encode_streams(const CodeWords& words, Bytes symbols, Writer& to) {
  PairWords pairs;
  const bool paired = symbols.size >= kPairsPay;
  if (paired) list_pairs(words, pairs);
  const std::size_t streams = stream_count(symbols.size);
  Writer sizes(to.at());
  to.skip(3 * streams);
  const std::uint8_t* from = symbols.data;
  for (std::size_t s = 0; s < streams; ++s) {
    const std::size_t count = stream_symbols(symbols.size, s);
    std::uint8_t* end = encode_stream(words, paired ? &pairs : nullptr, from, count, to.at());
    sizes.number(3, static_cast<std::uint64_t>(end - to.at()));
    to.rewind(end);
    from += count;
  }
}

void encode_portable(const CodeWords& words, Bytes symbols, Writer& to) { encode_streams(words, symbols, to); }

#if defined(WEIGHBRIDGE_X86)
WEIGHBRIDGE_AVX2 void encode_bmi2(const CodeWords& words, Bytes symbols, Writer& to) {
  encode_streams(words, symbols, to);
}
#endif

}  // namespace

std::size_t sequence_size(const HuffmanCode& code, std::size_t count, std::uint64_t bits) {
  const std::size_t described = description_size(code);
  if (code.longest == 0) return described;
  return described + 4 * stream_count(count) + static_cast<std::size_t>(bits / 8);
}

void encode_sequence(const HuffmanCode& code, Bytes symbols, Writer& to, Path path) {
  write_description(code, to);
  if (code.longest == 0) return;
  CodeWords words = {};
  list_words(code, words);
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) return encode_bmi2(words, symbols, to);
#endif
  static_cast<void>(path);
  encode_portable(words, symbols, to);
}

}  // namespace weighbridge
