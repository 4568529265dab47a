#include "delta_buckets.hpp"

#include <algorithm>

#if defined(WEIGHBRIDGE_X86)
#include <immintrin.h>
#endif

namespace weighbridge {
namespace {

template <typename Word>
constexpr unsigned kKept = bucket_bits(sizeof(Word));
template <typename Word>
constexpr unsigned kMostExtra = 8 * sizeof(Word) - 1 - kKept<Word>;
static_assert(7 + 8 * kMostExtra<std::uint8_t> <= 64 && 7 + 4 * kMostExtra<std::uint16_t> <= 64, "they fit");
static_assert(7 + 2 * kMostExtra<std::uint32_t> <= 64 && kMostExtra<std::uint64_t> <= 64, "they fit");

// ---- symbols

// Of numbers that a float holds, exponent and upper mantissa bits are the symbol but for a constant.
template <unsigned kept>
WEIGHBRIDGE_INLINE std::uint32_t symbol_by_float(std::uint32_t value) {
  const float as_float = static_cast<float>(static_cast<std::int32_t>(value));
  std::uint32_t bits;
  std::memcpy(&bits, &as_float, sizeof bits);
  const std::uint32_t found = (bits >> (23 - kept)) - ((127 + kept - 1) << kept);
  return value < (1u << kept) ? value : found;
}

template <typename Word>
WEIGHBRIDGE_INLINE std::uint32_t symbol_of(Word word) {
  if constexpr (sizeof(Word) <= 2) return symbol_by_float<kKept<Word>>(word);
  if constexpr (sizeof(Word) == 4) {  // without the bits that a float would round
    constexpr unsigned cut = 8;
    const bool large = (word >> 24) != 0;
    return symbol_by_float<kKept<Word>>(large ? word >> cut : word) + (large ? cut << kKept<Word> : 0);
  }
  const std::uint64_t wide = word;
  const unsigned more = 63 - leading_zeros(wide | (1u << kKept<Word>)) - kKept<Word>;
  return (more << kKept<Word>) + static_cast<std::uint32_t>(wide >> more);
}

template <typename Word>
WEIGHBRIDGE_INLINE unsigned extra_bits_of(unsigned symbol) {
  const unsigned octave = symbol >> kKept<Word>;
  return octave - (octave > 0 ? 1 : 0);
}

// Ones where the extra bits of a word with this symbol are.
template <typename Word>
WEIGHBRIDGE_INLINE Word mask_of(unsigned symbol) {
  return static_cast<Word>((Word{1} << extra_bits_of<Word>(symbol)) - 1);
}

template <typename Word>
WEIGHBRIDGE_INLINE Word base_of(unsigned symbol) {
  const unsigned low = (symbol & ((1u << kKept<Word>) - 1)) | (1u << kKept<Word>);
  const Word base = static_cast<Word>(static_cast<Word>(low) << extra_bits_of<Word>(symbol));
  return symbol < (1u << kKept<Word>) ? static_cast<Word>(symbol) : base;
}

template <typename Word>
WEIGHBRIDGE_INLINE bool any_extra(const std::uint8_t* words, std::size_t count) {
  Word any = 0;
  for (std::size_t i = 0; i < count; ++i) any = static_cast<Word>(any | load_le<Word>(words + i * sizeof(Word)));
  return any >= (2u << kKept<Word>);
}

// Adds symbols to keys and tells where the extra bits are.
template <typename Word>
WEIGHBRIDGE_INLINE void find_symbols(const std::uint8_t* words, std::size_t count, std::uint16_t* __restrict keys,
                                     std::uint8_t* __restrict masks) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t symbol = symbol_of<Word>(load_le<Word>(words + i * sizeof(Word)));
    keys[i] = static_cast<std::uint16_t>(keys[i] + symbol);
    store_le(masks + i * sizeof(Word), mask_of<Word>(symbol));
  }
}

// False if no word has extra bits: there are no masks then.
template <typename Word>
WEIGHBRIDGE_INLINE bool split_symbols(const std::uint8_t* words, std::size_t count, std::uint16_t* __restrict keys,
                                      std::uint8_t* masks) {
  if (any_extra<Word>(words, count)) {
    find_symbols<Word>(words, count, keys, masks);
    return true;
  }
  for (std::size_t i = 0; i < count; ++i)
    keys[i] = static_cast<std::uint16_t>(keys[i] + load_le<Word>(words + i * sizeof(Word)));
  return false;
}

// The other way: words without their extra bits.
template <typename Word>
WEIGHBRIDGE_INLINE void find_bases(const std::uint16_t* symbols, std::size_t count, std::uint8_t* __restrict words,
                                   std::uint8_t* __restrict masks) {
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned symbol = symbols[i] >> 8;
    store_le(words + i * sizeof(Word), base_of<Word>(symbol));
    store_le(masks + i * sizeof(Word), mask_of<Word>(symbol));
  }
}

template <typename Word>
WEIGHBRIDGE_INLINE bool join_symbols(const std::uint16_t* symbols, std::size_t count, std::uint8_t* __restrict words,
                                     std::uint8_t* masks) {
  std::uint16_t most = 0;
  for (std::size_t i = 0; i < count; ++i) most = std::max(most, symbols[i]);
  if (most >> 8 >= (2u << kKept<Word>)) {
    find_bases<Word>(symbols, count, words, masks);
    return true;
  }
  for (std::size_t i = 0; i < count; ++i) store_le(words + i * sizeof(Word), static_cast<Word>(symbols[i] >> 8));
  return false;
}

WEIGHBRIDGE_INLINE bool symbols_any(unsigned width, const std::uint8_t* words, std::size_t count, std::uint16_t* keys,
                                    std::uint8_t* masks) {
  if (width == 1) return split_symbols<std::uint8_t>(words, count, keys, masks);
  if (width == 2) return split_symbols<std::uint16_t>(words, count, keys, masks);
  if (width == 4) return split_symbols<std::uint32_t>(words, count, keys, masks);
  return split_symbols<std::uint64_t>(words, count, keys, masks);
}

WEIGHBRIDGE_INLINE bool bases_any(unsigned width, const std::uint16_t* symbols, std::size_t count, std::uint8_t* words,
                                  std::uint8_t* masks) {
  if (width == 1) return join_symbols<std::uint8_t>(symbols, count, words, masks);
  if (width == 2) return join_symbols<std::uint16_t>(symbols, count, words, masks);
  if (width == 4) return join_symbols<std::uint32_t>(symbols, count, words, masks);
  return join_symbols<std::uint64_t>(symbols, count, words, masks);
}

// ---- extra bits, an element at a time; more than 32 of them go in two halves, beside seven bits that are there

WEIGHBRIDGE_INLINE std::uint64_t bits_at(const std::uint8_t* data, std::size_t position) {
  return load_le<std::uint64_t>(data + (position >> 3)) >> (position & 7);
}

WEIGHBRIDGE_INLINE unsigned bits_in(std::uint64_t mask) { return mask == 0 ? 0 : 64 - leading_zeros(mask); }

template <typename Word>
void put_each(const std::uint8_t* words, const std::uint8_t* masks, std::size_t count, ExtraWriter& extra) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t mask = load_le<Word>(masks + i * sizeof(Word));
    const std::uint64_t low = load_le<Word>(words + i * sizeof(Word)) & mask;
    const unsigned bits = bits_in(mask), first = std::min(bits, 32u);
    extra.put(low & 0xffffffff, first);
    extra.flush();
    extra.put(low >> 32, bits - first);
    extra.flush();
  }
}

template <typename Word>
void add_each(const std::uint8_t* masks, std::size_t count, ExtraReader& extra, std::uint8_t* words) {
  const std::uint8_t* data = extra.bytes.data;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t mask = load_le<Word>(masks + i * sizeof(Word));
    const std::uint64_t bits = (bits_at(data, extra.position) & 0xffffffff) | bits_at(data, extra.position + 32) << 32;
    store_le(words + i * sizeof(Word), static_cast<Word>(load_le<Word>(words + i * sizeof(Word)) | (bits & mask)));
    extra.position += bits_in(mask);
  }
}

void put_any(unsigned width, const std::uint8_t* words, const std::uint8_t* masks, std::size_t count,
             ExtraWriter& extra) {
  if (width == 1) return put_each<std::uint8_t>(words, masks, count, extra);
  if (width == 2) return put_each<std::uint16_t>(words, masks, count, extra);
  if (width == 4) return put_each<std::uint32_t>(words, masks, count, extra);
  put_each<std::uint64_t>(words, masks, count, extra);
}

void add_any(unsigned width, const std::uint8_t* masks, std::size_t count, ExtraReader& extra, std::uint8_t* words) {
  if (width == 1) return add_each<std::uint8_t>(masks, count, extra, words);
  if (width == 2) return add_each<std::uint16_t>(masks, count, extra, words);
  if (width == 4) return add_each<std::uint32_t>(masks, count, extra, words);
  add_each<std::uint64_t>(masks, count, extra, words);
}

// ---- extra bits, of narrower elements than 8 bytes: as many at a time as 64 bits hold

#if defined(WEIGHBRIDGE_X86)
#define WEIGHBRIDGE_BITS __attribute__((target("avx2,bmi,bmi2,popcnt")))

WEIGHBRIDGE_BITS void put_bmi2(const std::uint8_t* words, const std::uint8_t* masks, std::size_t size,
                               ExtraWriter& extra) {
  ExtraWriter to = extra;
  for (std::size_t i = 0; i < size; i += 8) {
    const auto mask = load_le<std::uint64_t>(masks + i);
    to.put(_pext_u64(load_le<std::uint64_t>(words + i), mask), static_cast<unsigned>(_mm_popcnt_u64(mask)));
    to.flush();
  }
  extra = to;
}

WEIGHBRIDGE_BITS void add_bmi2(const std::uint8_t* masks, std::size_t size, ExtraReader& extra, std::uint8_t* words) {
  const std::uint8_t* data = extra.bytes.data;
  std::size_t position = extra.position;
  for (std::size_t i = 0; i < size; i += 8) {
    const auto mask = load_le<std::uint64_t>(masks + i);
    store_le(words + i, load_le<std::uint64_t>(words + i) | _pdep_u64(bits_at(data, position), mask));
    position += static_cast<std::size_t>(_mm_popcnt_u64(mask));
  }
  extra.position = position;
}

// Two-byte words, in vectors; `most` is the largest symbol or word.
struct Halves {
  static constexpr int kSymbols = 1 << kKept<std::uint16_t>;

  static WEIGHBRIDGE_AVX2 inline __m256i load(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
  }
  static WEIGHBRIDGE_AVX2 inline void store(void* to, __m256i v) { _mm256_storeu_si256(static_cast<__m256i*>(to), v); }

  static WEIGHBRIDGE_AVX2 inline __m256i symbols(__m256i words) {
    constexpr int shift = 23 - static_cast<int>(kKept<std::uint16_t>);
    constexpr int bias = (127 + static_cast<int>(kKept<std::uint16_t>) - 1) * kSymbols;
    const __m256i nothing = _mm256_setzero_si256();
    const __m256 low = _mm256_cvtepi32_ps(_mm256_unpacklo_epi16(words, nothing));
    const __m256 high = _mm256_cvtepi32_ps(_mm256_unpackhi_epi16(words, nothing));
    const __m256i both = _mm256_packus_epi32(_mm256_srli_epi32(_mm256_castps_si256(low), shift),
                                             _mm256_srli_epi32(_mm256_castps_si256(high), shift));
    const __m256i small = _mm256_cmpeq_epi16(words, _mm256_min_epu16(words, _mm256_set1_epi16(kSymbols - 1)));
    return _mm256_blendv_epi8(_mm256_sub_epi16(both, _mm256_set1_epi16(bias)), words, small);
  }

  // 2^(extra bits) - 1 by a table of 16 bytes for either half of it.
  static WEIGHBRIDGE_AVX2 inline __m256i masks(__m256i symbols) {
    const __m256i low = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 3, 7, 15, 31, 63, 127, -1, -1, -1, -1, -1, -1, -1, -1));
    const __m256i high =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 7, 15, 31, 63, 127));
    const __m256i octave = _mm256_srli_epi16(symbols, kKept<std::uint16_t>);
    const __m256i bits = _mm256_subs_epu16(octave, _mm256_set1_epi16(1));
    const __m256i in_low = _mm256_or_si256(bits, _mm256_set1_epi16(static_cast<short>(0x8000)));
    const __m256i in_high = _mm256_or_si256(_mm256_slli_epi16(bits, 8), _mm256_set1_epi16(0x80));
    return _mm256_or_si256(_mm256_shuffle_epi8(low, in_low), _mm256_shuffle_epi8(high, in_high));
  }

  static WEIGHBRIDGE_AVX2 inline __m256i bases(__m256i symbols, __m256i masks) {
    const __m256i upper = _mm256_set1_epi16(kSymbols), one = _mm256_set1_epi16(1);
    const __m256i low = _mm256_or_si256(_mm256_and_si256(symbols, _mm256_set1_epi16(kSymbols - 1)), upper);
    const __m256i base = _mm256_mullo_epi16(low, _mm256_add_epi16(masks, one));
    return _mm256_blendv_epi8(base, symbols, _mm256_cmpgt_epi16(upper, symbols));
  }
};
constexpr std::size_t kHalves = 16;  // in a vector

// As many of the elements as fill vectors; returns how many.
WEIGHBRIDGE_AVX2 std::size_t split_halves(const std::uint8_t* words, std::size_t count, std::uint16_t* keys,
                                          std::uint8_t* masks) {
  std::size_t i = 0;
  for (; i + kHalves <= count; i += kHalves) {
    const __m256i symbols = Halves::symbols(Halves::load(words + 2 * i));
    Halves::store(keys + i, _mm256_add_epi16(Halves::load(keys + i), symbols));
    Halves::store(masks + 2 * i, Halves::masks(symbols));
  }
  return i;
}

WEIGHBRIDGE_AVX2 std::size_t join_halves(const std::uint16_t* symbols, std::size_t count, std::uint8_t* words,
                                         std::uint8_t* masks) {
  std::size_t i = 0;
  for (; i + kHalves <= count; i += kHalves) {
    const __m256i symbol = _mm256_srli_epi16(Halves::load(symbols + i), 8), mask = Halves::masks(symbol);
    Halves::store(words + 2 * i, Halves::bases(symbol, mask));
    Halves::store(masks + 2 * i, mask);
  }
  return i;
}

WEIGHBRIDGE_AVX2 bool symbols_avx2(unsigned width, const std::uint8_t* words, std::size_t count, std::uint16_t* keys,
                                   std::uint8_t* masks) {
  if (width != 2) return symbols_any(width, words, count, keys, masks);
  if (!any_extra<std::uint16_t>(words, count)) return split_symbols<std::uint16_t>(words, count, keys, masks);
  const std::size_t done = split_halves(words, count, keys, masks);
  find_symbols<std::uint16_t>(words + 2 * done, count - done, keys + done, masks + 2 * done);
  return true;
}
WEIGHBRIDGE_AVX2 bool bases_avx2(unsigned width, const std::uint16_t* symbols, std::size_t count, std::uint8_t* words,
                                 std::uint8_t* masks) {
  if (width != 2) return bases_any(width, symbols, count, words, masks);
  const std::size_t done = join_halves(symbols, count, words, masks);
  find_bases<std::uint16_t>(symbols + done, count - done, words + 2 * done, masks + 2 * done);
  return true;
}
#endif

// Memory for a run, with room up to a whole word of 64 bits.
struct Run {
  alignas(32) std::uint8_t words[8 * kLongestRun + 8];
  alignas(32) std::uint8_t masks[8 * kLongestRun + 8];
};

// Nothing where the last word of 64 bits goes on behind the elements.
void end_with_zeros(std::uint8_t* bytes, std::size_t size) { std::memset(bytes + size, 0, (8 - size % 8) % 8); }

// Reads the extra bits of a run, which are there with sixteen bytes after them.
void add_extra(unsigned width, Run& run, std::size_t count, ExtraReader& extra, Path path) {
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2 && width < 8) {
    end_with_zeros(run.masks, count * width);
    return add_bmi2(run.masks, count * width, extra, run.words);
  }
#endif
  static_cast<void>(path);
  add_any(width, run.masks, count, extra, run.words);
}

}  // namespace

void split_run(unsigned width, const std::uint8_t* words, std::size_t count, std::uint16_t* keys, ExtraWriter& extra,
               Path path) {
  std::uint8_t masks[8 * kLongestRun + 8];
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) {
    if (!symbols_avx2(width, words, count, keys, masks)) return;
    if (width == 8) return put_any(width, words, masks, count, extra);
    end_with_zeros(masks, count * width);
    return put_bmi2(words, masks, count * width, extra);
  }
#endif
  static_cast<void>(path);
  if (symbols_any(width, words, count, keys, masks)) put_any(width, words, masks, count, extra);
}

bool join_run(unsigned width, const std::uint16_t* symbols, std::size_t count, ExtraReader& extra, std::uint8_t* words,
              Path path) {
  constexpr std::size_t kAhead = 16, kMost = 8 * kLongestRun;
  Run run;
#if defined(WEIGHBRIDGE_X86)
  const bool any = path == Path::avx2 ? bases_avx2(width, symbols, count, run.words, run.masks)
                                      : bases_any(width, symbols, count, run.words, run.masks);
#else
  const bool any = bases_any(width, symbols, count, run.words, run.masks);
#endif
  if (any) {
    const std::size_t done = extra.position >> 3;
    if (done + count * width + kAhead <= extra.bytes.size) {
      add_extra(width, run, count, extra, path);
    } else {  // near the end: from a copy with zeros after it
      std::uint8_t last[kMost + 2 * kAhead] = {};
      const std::size_t left = std::min(extra.bytes.size - done, sizeof last - kAhead);
      if (left != 0) std::memcpy(last, extra.bytes.data + done, left);
      ExtraReader copy{{last, left}, extra.position & 7};
      add_extra(width, run, count, copy, path);
      extra.position = 8 * done + copy.position;
      if (extra.position > 8 * extra.bytes.size) return false;
    }
  }
  std::memcpy(words, run.words, count * width);
  return true;
}

bool ExtraReader::finish() const {
  if (bytes.size != (position + 7) / 8) return false;
  return (position & 7) == 0 || bytes.data[position >> 3] >> (position & 7) == 0;
}

}  // namespace weighbridge
