#include "fields.hpp"

#include <cstring>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define WEIGHBRIDGE_AVX2 1
#include <immintrin.h>
#endif

namespace weighbridge {
namespace {

template <typename Word>
Word load(const std::uint8_t* from) {
  Word word = 0;
  for (unsigned p = 0; p < sizeof(Word); ++p) word = static_cast<Word>(word | (static_cast<Word>(from[p]) << (8 * p)));
  return word;
}

template <typename Word>
void store(std::uint8_t* to, Word word) {
  for (unsigned p = 0; p < sizeof(Word); ++p) to[p] = static_cast<std::uint8_t>(word >> (8 * p));
}

template <typename Word>
Word rotate_left(Word word) {
  return static_cast<Word>((word << 1) | (word >> (sizeof(Word) * 8 - 1)));
}

template <typename Word>
Word rotate_right(Word word) {
  return static_cast<Word>((word >> 1) | static_cast<Word>(word << (sizeof(Word) * 8 - 1)));
}

// From element `from` on: the vector paths leave the last few elements to these.
template <typename Word>
void split(const std::uint8_t* elements, std::uint8_t* planes, std::size_t from, std::size_t count, bool rotate) {
  for (std::size_t i = from; i < count; ++i) {
    Word word = load<Word>(elements + i * sizeof(Word));
    if (rotate) word = rotate_left(word);
    for (unsigned p = 0; p < sizeof(Word); ++p) planes[p * count + i] = static_cast<std::uint8_t>(word >> (8 * p));
  }
}

template <typename Word>
void merge(const std::uint8_t* const* planes, std::uint8_t* elements, std::size_t from, std::size_t count,
           bool rotate) {
  for (std::size_t i = from; i < count; ++i) {
    Word word = 0;
    for (unsigned p = 0; p < sizeof(Word); ++p) {
      word = static_cast<Word>(word | static_cast<Word>(static_cast<Word>(planes[p][i]) << (8 * p)));
    }
    if (rotate) word = rotate_right(word);
    store(elements + i * sizeof(Word), word);
  }
}

#ifdef WEIGHBRIDGE_AVX2
#define AVX2 __attribute__((target("avx2")))

AVX2 inline __m256i read(const std::uint8_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

AVX2 inline void write(std::uint8_t* to, __m256i value) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), value);
}

AVX2 std::size_t split16(const std::uint8_t* elements, std::uint8_t* planes, std::size_t count, bool rotate) {
  const __m256i low = _mm256_set1_epi16(0xFF);
  const __m128i by = _mm_cvtsi32_si128(rotate ? 1 : 0);
  const __m128i back = _mm_cvtsi32_si128(rotate ? 15 : 16);  // a shift by the whole width gives zero
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    __m256i a = read(elements + 2 * i), b = read(elements + 2 * i + 32);
    a = _mm256_or_si256(_mm256_sll_epi16(a, by), _mm256_srl_epi16(a, back));
    b = _mm256_or_si256(_mm256_sll_epi16(b, by), _mm256_srl_epi16(b, back));
    const __m256i lows = _mm256_packus_epi16(_mm256_and_si256(a, low), _mm256_and_si256(b, low));
    const __m256i highs = _mm256_packus_epi16(_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8));
    write(planes + i, _mm256_permute4x64_epi64(lows, 0xD8));
    write(planes + count + i, _mm256_permute4x64_epi64(highs, 0xD8));
  }
  return i;
}

AVX2 std::size_t merge16(const std::uint8_t* const* planes, std::uint8_t* elements, std::size_t count, bool rotate) {
  const __m128i by = _mm_cvtsi32_si128(rotate ? 1 : 0);
  const __m128i back = _mm_cvtsi32_si128(rotate ? 15 : 16);
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m256i lows = _mm256_permute4x64_epi64(read(planes[0] + i), 0xD8);
    const __m256i highs = _mm256_permute4x64_epi64(read(planes[1] + i), 0xD8);
    __m256i a = _mm256_unpacklo_epi8(lows, highs), b = _mm256_unpackhi_epi8(lows, highs);
    a = _mm256_or_si256(_mm256_srl_epi16(a, by), _mm256_sll_epi16(a, back));
    b = _mm256_or_si256(_mm256_srl_epi16(b, by), _mm256_sll_epi16(b, back));
    write(elements + 2 * i, a);
    write(elements + 2 * i + 32, b);
  }
  return i;
}

// Four vectors of four 64-bit lanes, transposed: lane q of output p is lane p of input q.
AVX2 inline void transpose64(__m256i v[4]) {
  const __m256i a = _mm256_unpacklo_epi64(v[0], v[1]), b = _mm256_unpackhi_epi64(v[0], v[1]);
  const __m256i c = _mm256_unpacklo_epi64(v[2], v[3]), d = _mm256_unpackhi_epi64(v[2], v[3]);
  v[0] = _mm256_permute2x128_si256(a, c, 0x20);
  v[1] = _mm256_permute2x128_si256(b, d, 0x20);
  v[2] = _mm256_permute2x128_si256(a, c, 0x31);
  v[3] = _mm256_permute2x128_si256(b, d, 0x31);
}

// Within each half of a vector: byte p of four words together. Its own inverse.
AVX2 inline __m256i gather_bytes(__m256i words) {
  const __m256i order = _mm256_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15,  //
                                         0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm256_shuffle_epi8(words, order);
}

AVX2 std::size_t split32(const std::uint8_t* elements, std::uint8_t* planes, std::size_t count, bool rotate) {
  const __m256i join = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const __m128i by = _mm_cvtsi32_si128(rotate ? 1 : 0);
  const __m128i back = _mm_cvtsi32_si128(rotate ? 31 : 32);
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    __m256i v[4];
    for (unsigned q = 0; q < 4; ++q) {
      const __m256i word = read(elements + 4 * i + 32 * q);
      const __m256i turned = _mm256_or_si256(_mm256_sll_epi32(word, by), _mm256_srl_epi32(word, back));
      v[q] = _mm256_permutevar8x32_epi32(gather_bytes(turned), join);
    }
    transpose64(v);
    for (unsigned p = 0; p < 4; ++p) write(planes + p * count + i, v[p]);
  }
  return i;
}

AVX2 std::size_t merge32(const std::uint8_t* const* planes, std::uint8_t* elements, std::size_t count, bool rotate) {
  const __m256i part = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
  const __m128i by = _mm_cvtsi32_si128(rotate ? 1 : 0);
  const __m128i back = _mm_cvtsi32_si128(rotate ? 31 : 32);
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    __m256i v[4];
    for (unsigned p = 0; p < 4; ++p) v[p] = read(planes[p] + i);
    transpose64(v);
    for (unsigned q = 0; q < 4; ++q) {
      const __m256i word = gather_bytes(_mm256_permutevar8x32_epi32(v[q], part));
      write(elements + 4 * i + 32 * q, _mm256_or_si256(_mm256_srl_epi32(word, by), _mm256_sll_epi32(word, back)));
    }
  }
  return i;
}
#undef AVX2
#endif

}  // namespace

bool has_avx2() {
#ifdef WEIGHBRIDGE_AVX2
  return __builtin_cpu_supports("avx2") != 0;
#else
  return false;
#endif
}

void split_planes_portable(const std::uint8_t* elements, std::uint8_t* planes, std::size_t count, unsigned width,
                           bool rotate) {
  if (width == 2) split<std::uint16_t>(elements, planes, 0, count, rotate);
  if (width == 4) split<std::uint32_t>(elements, planes, 0, count, rotate);
  if (width == 8) split<std::uint64_t>(elements, planes, 0, count, rotate);
}

void merge_planes_portable(const std::uint8_t* const* planes, std::uint8_t* elements, std::size_t count,
                           unsigned width, bool rotate) {
  if (width == 2) merge<std::uint16_t>(planes, elements, 0, count, rotate);
  if (width == 4) merge<std::uint32_t>(planes, elements, 0, count, rotate);
  if (width == 8) merge<std::uint64_t>(planes, elements, 0, count, rotate);
}

void split_planes(const std::uint8_t* elements, std::uint8_t* planes, std::size_t count, unsigned width, bool rotate) {
#ifdef WEIGHBRIDGE_AVX2
  static const bool vectors = has_avx2();
  if (vectors && width == 2) {
    return split<std::uint16_t>(elements, planes, split16(elements, planes, count, rotate), count, rotate);
  }
  if (vectors && width == 4) {
    return split<std::uint32_t>(elements, planes, split32(elements, planes, count, rotate), count, rotate);
  }
#endif
  split_planes_portable(elements, planes, count, width, rotate);
}

void merge_planes(const std::uint8_t* const* planes, std::uint8_t* elements, std::size_t count, unsigned width,
                  bool rotate) {
#ifdef WEIGHBRIDGE_AVX2
  static const bool vectors = has_avx2();
  if (vectors && width == 2) {
    return merge<std::uint16_t>(planes, elements, merge16(planes, elements, count, rotate), count, rotate);
  }
  if (vectors && width == 4) {
    return merge<std::uint32_t>(planes, elements, merge32(planes, elements, count, rotate), count, rotate);
  }
#endif
  merge_planes_portable(planes, elements, count, width, rotate);
}

void take_column(const std::uint8_t* records, std::uint8_t* column, std::size_t count, std::size_t record,
                 std::size_t at, std::size_t width) {
  for (std::size_t i = 0; i < count; ++i) std::memcpy(column + i * width, records + i * record + at, width);
}

void put_column(const std::uint8_t* column, std::uint8_t* records, std::size_t count, std::size_t record,
                std::size_t at, std::size_t width) {
  for (std::size_t i = 0; i < count; ++i) std::memcpy(records + i * record + at, column + i * width, width);
}

}  // namespace weighbridge
