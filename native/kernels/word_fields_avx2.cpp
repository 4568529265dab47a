#include "word_fields_avx2.hpp"

#if !defined(WEIGHBRIDGE_X86)
namespace weighbridge {
std::size_t split_words_avx2(const WordLayout&, const std::uint8_t*, std::size_t, const Fields&) { return 0; }
std::size_t merge_words_avx2(const WordLayout&, const ConstFields&, std::size_t, std::uint8_t*) { return 0; }
}  // namespace weighbridge
#else
#include <immintrin.h>

namespace weighbridge {
namespace {

#define VECTOR WEIGHBRIDGE_AVX2 inline __attribute__((always_inline))

constexpr unsigned kLanes = 32, kRows = kGroup / kLanes;

VECTOR __m256i load(const std::uint8_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
VECTOR void store(std::uint8_t* to, __m256i v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), v); }
VECTOR __m128i load_half(const std::uint8_t* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); }
VECTOR __m128i load_quarter(const std::uint8_t* from) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
}
VECTOR __m128i shift_count(unsigned bits) { return _mm_cvtsi32_si128(static_cast<int>(bits)); }

// The bit at `from` of every byte, moved to bit `to`.
template <unsigned From, unsigned To>
VECTOR __m256i move_bit(__m256i bytes) {
  const __m256i bit = _mm256_and_si256(bytes, _mm256_set1_epi8(static_cast<char>(1u << From)));
  if constexpr (To >= From) return _mm256_slli_epi16(bit, static_cast<int>(To - From));
  return _mm256_srli_epi16(bit, static_cast<int>(From - To));
}

// Bit `Bit` of the number that the values Bits … 7 of a lane form lies in one value and is stored in one byte.
template <unsigned Bits, unsigned Bit = 0>
VECTOR void pack_above(const __m256i value[kRows], __m256i byte[kRows]) {
  if constexpr (Bit < Bits * (8 - Bits)) {
    constexpr unsigned row = Bit / (8 - Bits), at = Bits + Bit % (8 - Bits);
    byte[row] = _mm256_or_si256(byte[row], move_bit<Bit % Bits, at>(value[Bits + Bit / Bits]));
    pack_above<Bits, Bit + 1>(value, byte);
  }
}

template <unsigned Bits, unsigned Bit = 0>
VECTOR void unpack_above(const __m256i byte[kRows], __m256i value[kRows]) {
  if constexpr (Bit < Bits * (8 - Bits)) {
    constexpr unsigned row = Bit / (8 - Bits), at = Bits + Bit % (8 - Bits);
    value[Bits + Bit / Bits] = _mm256_or_si256(value[Bits + Bit / Bits], move_bit<at, Bit % Bits>(byte[row]));
    unpack_above<Bits, Bit + 1>(byte, value);
  }
}

template <unsigned Bits>
VECTOR void pack(const __m256i value[kRows], std::uint8_t* to) {
  if constexpr (Bits != 0) {
    __m256i byte[kRows];
    for (unsigned j = 0; j < Bits; ++j) byte[j] = value[j];
    pack_above<Bits>(value, byte);
    for (unsigned j = 0; j < Bits; ++j) store(to + kLanes * j, byte[j]);
  }
}

template <unsigned Bits>
VECTOR void unpack(const std::uint8_t* from, __m256i value[kRows]) {
  const __m256i mask = _mm256_set1_epi8(static_cast<char>((1u << Bits) - 1));
  __m256i byte[kRows];
  for (unsigned j = 0; j < kRows; ++j) {
    byte[j] = j < Bits ? load(from + kLanes * j) : _mm256_setzero_si256();
    value[j] = _mm256_and_si256(byte[j], mask);
  }
  if constexpr (Bits != 0) unpack_above<Bits>(byte, value);
}

// ---- words of one byte, whose whole magnitude is the symbol

constexpr char kMagnitude = 0x7f;

bool is_sign_and_symbol(const WordLayout& l) {
  return l.width == 1 && l.rest_bits() == 1 && l.zeros == 0 && l.gap == 0;
}

WEIGHBRIDGE_AVX2 void split8(const std::uint8_t* words, std::size_t count, const Fields& to) {
  for (std::size_t base = 0; base < count; base += kGroup) {
    __m256i sign[kRows];
    for (unsigned row = 0; row < kRows; ++row) {
      const __m256i word = load(words + base + row * kLanes);
      store(to.symbols + base + row * kLanes, _mm256_and_si256(word, _mm256_set1_epi8(kMagnitude)));
      sign[row] = move_bit<7, 0>(word);
    }
    pack<1>(sign, to.packed + base / 8);
  }
}

WEIGHBRIDGE_AVX2 void merge8(const ConstFields& from, std::size_t count, std::uint8_t* words) {
  for (std::size_t base = 0; base < count; base += kGroup) {
    __m256i sign[kRows];
    unpack<1>(from.packed + base / 8, sign);
    for (unsigned row = 0; row < kRows; ++row) {
      const __m256i symbol = _mm256_and_si256(load(from.symbols + base + row * kLanes), _mm256_set1_epi8(kMagnitude));
      store(words + base + row * kLanes, _mm256_or_si256(symbol, move_bit<0, 7>(sign[row])));
    }
  }
}

// ---- words of two bytes

VECTOR __m256i narrow16(__m256i low, __m256i high) {
  return _mm256_permute4x64_epi64(_mm256_packus_epi16(low, high), 0xd8);
}

struct Split16 {
  __m128i zeros, rest_bits, planes;
  __m256i rest, gap, below;

  VECTOR explicit Split16(const WordLayout& l)
      : zeros(shift_count(l.zeros)),
        rest_bits(shift_count(l.rest_bits())),
        planes(shift_count(8 * l.planes())),
        rest(_mm256_set1_epi16(static_cast<short>((1u << l.rest_bits()) - 1))),
        gap(_mm256_set1_epi16(static_cast<short>(l.gap))),
        below(_mm256_set1_epi16(static_cast<short>((1u << l.kept) - 1))) {}

  VECTOR __m256i y(const std::uint8_t* from) const {
    const __m256i word = load(from), magnitude = _mm256_and_si256(word, _mm256_set1_epi16(0x7fff));
    return _mm256_or_si256(_mm256_slli_epi16(_mm256_srl_epi16(magnitude, zeros), 1), _mm256_srli_epi16(word, 15));
  }
  VECTOR __m256i symbol(__m256i y) const {
    const __m256i v = _mm256_srl_epi16(y, rest_bits);
    return _mm256_max_epu16(_mm256_subs_epu16(v, gap), _mm256_min_epu16(v, below));
  }
};

template <unsigned Leftover>
WEIGHBRIDGE_AVX2 void split16(const WordLayout& layout, const std::uint8_t* words, std::size_t count,
                              const Fields& to) {
  const Split16 cut(layout);
  const bool plane = layout.planes() != 0;
  const __m256i byte = _mm256_set1_epi16(0xff);
  for (std::size_t base = 0; base < count; base += kGroup) {
    __m256i left[kRows];
    for (unsigned row = 0; row < kRows; ++row) {
      const std::size_t at = base + row * kLanes;
      const __m256i a = cut.y(words + 2 * at), b = cut.y(words + 2 * at + 32);
      store(to.symbols + at, narrow16(cut.symbol(a), cut.symbol(b)));
      const __m256i low = _mm256_and_si256(a, cut.rest), high = _mm256_and_si256(b, cut.rest);
      if (plane) store(to.planes[0] + at, narrow16(_mm256_and_si256(low, byte), _mm256_and_si256(high, byte)));
      left[row] = narrow16(_mm256_srl_epi16(low, cut.planes), _mm256_srl_epi16(high, cut.planes));
    }
    pack<Leftover>(left, to.packed + base / 8 * Leftover);
  }
}

template <unsigned Leftover>
WEIGHBRIDGE_AVX2 void merge16(const WordLayout& layout, const ConstFields& from, std::size_t count,
                              std::uint8_t* words) {
  const __m128i zeros = shift_count(layout.zeros), rest_bits = shift_count(layout.rest_bits());
  const __m128i planes = shift_count(8 * layout.planes());
  const __m256i gap = _mm256_set1_epi16(static_cast<short>(layout.gap));
  const __m256i below = _mm256_set1_epi16(static_cast<short>((1u << layout.kept) - 1));
  const bool plane = layout.planes() != 0;
  for (std::size_t base = 0; base < count; base += kGroup) {
    __m256i left[kRows];
    unpack<Leftover>(from.packed + base / 8 * Leftover, left);
    for (unsigned row = 0; row < kRows; ++row) {
      for (unsigned half = 0; half < 2; ++half) {
        const std::size_t at = base + row * kLanes + half * 16;
        const __m256i symbol = _mm256_cvtepu8_epi16(load_half(from.symbols + at));
        const __m256i v = _mm256_add_epi16(symbol, _mm256_and_si256(_mm256_cmpgt_epi16(symbol, below), gap));
        const __m128i bits = half == 0 ? _mm256_castsi256_si128(left[row]) : _mm256_extracti128_si256(left[row], 1);
        __m256i y =
            _mm256_or_si256(_mm256_sll_epi16(v, rest_bits), _mm256_sll_epi16(_mm256_cvtepu8_epi16(bits), planes));
        if (plane) y = _mm256_or_si256(y, _mm256_cvtepu8_epi16(load_half(from.planes[0] + at)));
        store(words + 2 * at,
              _mm256_or_si256(_mm256_sll_epi16(_mm256_srli_epi16(y, 1), zeros), _mm256_slli_epi16(y, 15)));
      }
    }
  }
}

// ---- words of four bytes

VECTOR __m256i narrow32(const __m256i part[4]) {
  const __m256i mixed =
      _mm256_packus_epi16(_mm256_packus_epi32(part[0], part[1]), _mm256_packus_epi32(part[2], part[3]));
  return _mm256_permutevar8x32_epi32(mixed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

template <unsigned Leftover>
WEIGHBRIDGE_AVX2 void split32(const WordLayout& layout, const std::uint8_t* words, std::size_t count,
                              const Fields& to) {
  const __m128i zeros = shift_count(layout.zeros), rest_bits = shift_count(layout.rest_bits());
  const __m128i above = shift_count(8 * layout.planes());
  const __m256i gap = _mm256_set1_epi32(static_cast<int>(layout.gap)), byte = _mm256_set1_epi32(0xff);
  const __m256i below = _mm256_set1_epi32(static_cast<int>((1u << layout.kept) - 1));
  const __m256i most = _mm256_set1_epi32(static_cast<int>((1u << Leftover) - 1));
  const unsigned planes = layout.planes();
  for (std::size_t base = 0; base < count; base += kGroup) {
    __m256i left[kRows];
    for (unsigned row = 0; row < kRows; ++row) {
      const std::size_t at = base + row * kLanes;
      __m256i y[4], part[4];
      for (unsigned k = 0; k < 4; ++k) {
        const __m256i word = load(words + 4 * at + 32 * k);
        const __m256i magnitude = _mm256_and_si256(word, _mm256_set1_epi32(0x7fffffff));
        y[k] = _mm256_or_si256(_mm256_slli_epi32(_mm256_srl_epi32(magnitude, zeros), 1), _mm256_srli_epi32(word, 31));
        const __m256i v = _mm256_srl_epi32(y[k], rest_bits), normal = _mm256_cmpgt_epi32(v, below);
        part[k] = _mm256_sub_epi32(v, _mm256_and_si256(normal, gap));
      }
      store(to.symbols + at, narrow32(part));
      for (unsigned p = 0; p < planes; ++p) {
        const __m128i down = shift_count(8 * p);
        for (unsigned k = 0; k < 4; ++k) part[k] = _mm256_and_si256(_mm256_srl_epi32(y[k], down), byte);
        store(to.planes[p] + at, narrow32(part));
      }
      for (unsigned k = 0; k < 4; ++k) part[k] = _mm256_and_si256(_mm256_srl_epi32(y[k], above), most);
      left[row] = narrow32(part);
    }
    pack<Leftover>(left, to.packed + base / 8 * Leftover);
  }
}

template <unsigned Leftover>
WEIGHBRIDGE_AVX2 void merge32(const WordLayout& layout, const ConstFields& from, std::size_t count,
                              std::uint8_t* words) {
  const __m128i zeros = shift_count(layout.zeros), rest_bits = shift_count(layout.rest_bits());
  const __m128i above = shift_count(8 * layout.planes());
  const __m256i gap = _mm256_set1_epi32(static_cast<int>(layout.gap));
  const __m256i below = _mm256_set1_epi32(static_cast<int>((1u << layout.kept) - 1));
  const unsigned planes = layout.planes();
  for (std::size_t base = 0; base < count; base += kGroup) {
    __m256i left[kRows];
    alignas(32) std::uint8_t bits[kGroup];
    unpack<Leftover>(from.packed + base / 8 * Leftover, left);
    for (unsigned row = 0; row < kRows; ++row) store(bits + row * kLanes, left[row]);
    for (unsigned i = 0; i < kGroup; i += 8) {
      const std::size_t at = base + i;
      const __m256i symbol = _mm256_cvtepu8_epi32(load_quarter(from.symbols + at));
      const __m256i v = _mm256_add_epi32(symbol, _mm256_and_si256(_mm256_cmpgt_epi32(symbol, below), gap));
      __m256i y = _mm256_sll_epi32(v, rest_bits);
      if constexpr (Leftover != 0)
        y = _mm256_or_si256(y, _mm256_sll_epi32(_mm256_cvtepu8_epi32(load_quarter(bits + i)), above));
      for (unsigned p = 0; p < planes; ++p)
        y = _mm256_or_si256(
            y, _mm256_sll_epi32(_mm256_cvtepu8_epi32(load_quarter(from.planes[p] + at)), shift_count(8 * p)));
      store(words + 4 * at,
            _mm256_or_si256(_mm256_sll_epi32(_mm256_srli_epi32(y, 1), zeros), _mm256_slli_epi32(y, 31)));
    }
  }
}

template <unsigned Leftover>
void split_groups(const WordLayout& layout, const std::uint8_t* words, std::size_t count, const Fields& to) {
  layout.width == 2 ? split16<Leftover>(layout, words, count, to) : split32<Leftover>(layout, words, count, to);
}
template <unsigned Leftover>
void merge_groups(const WordLayout& layout, const ConstFields& from, std::size_t count, std::uint8_t* words) {
  layout.width == 2 ? merge16<Leftover>(layout, from, count, words) : merge32<Leftover>(layout, from, count, words);
}

}  // namespace

std::size_t split_words_avx2(const WordLayout& layout, const std::uint8_t* words, std::size_t count, const Fields& to) {
  constexpr decltype(&split_groups<0>) kBy[8] = {split_groups<0>, split_groups<1>, split_groups<2>, split_groups<3>,
                                                 split_groups<4>, split_groups<5>, split_groups<6>, split_groups<7>};
  const std::size_t whole = count / kGroup * kGroup;
  if (is_sign_and_symbol(layout)) {
    split8(words, whole, to);
    return whole;
  }
  if (layout.width != 2 && layout.width != 4) return 0;
  kBy[layout.leftover()](layout, words, whole, to);
  return whole;
}

std::size_t merge_words_avx2(const WordLayout& layout, const ConstFields& from, std::size_t count,
                             std::uint8_t* words) {
  constexpr decltype(&merge_groups<0>) kBy[8] = {merge_groups<0>, merge_groups<1>, merge_groups<2>, merge_groups<3>,
                                                 merge_groups<4>, merge_groups<5>, merge_groups<6>, merge_groups<7>};
  const std::size_t whole = count / kGroup * kGroup;
  if (is_sign_and_symbol(layout)) {
    merge8(from, whole, words);
    return whole;
  }
  if (layout.width != 2 && layout.width != 4) return 0;
  kBy[layout.leftover()](layout, from, whole, words);
  return whole;
}

}  // namespace weighbridge
#endif
