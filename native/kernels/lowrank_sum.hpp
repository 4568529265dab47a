// The two inner loops of lowrank.hpp for a stretch of one row, written once and compiled for both paths.
#pragma once
#include "lowrank.hpp"

namespace weighbridge {

// sums[j] = weights[0] * tile[j] + weights[1] * tile[kLowRankTile + j] + …, for j from `start` on.
WEIGHBRIDGE_INLINE void sum_components_from(std::size_t start, const double* tile, const double* weights,
                                            std::size_t rank, std::size_t count, double* sums) {
  for (std::size_t j = start; j < count; ++j) {
    double sum = 0;
    for (std::size_t k = 0; k < rank; ++k) sum += weights[k] * tile[k * kLowRankTile + j];
    sums[j] = sum;
  }
}

WEIGHBRIDGE_INLINE float as_float(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

WEIGHBRIDGE_INLINE std::uint32_t as_bits(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// Numbers as binary32 and back, to the nearest, ties to even. `finite` tells words from infinities and NaN.
template <Number>
struct Format;

template <>
struct Format<Number::fp32> {
  using Word = std::uint32_t;
  static constexpr Word kExponent = 0x7f800000;
  static WEIGHBRIDGE_INLINE float read(Word word) { return as_float(word); }
  static WEIGHBRIDGE_INLINE Word round(float value) { return as_bits(value); }
};

template <>
struct Format<Number::bf16> {
  using Word = std::uint16_t;
  static constexpr Word kExponent = 0x7f80;
  static WEIGHBRIDGE_INLINE float read(Word word) { return as_float(std::uint32_t{word} << 16); }
  static WEIGHBRIDGE_INLINE Word round(float value) {
    const std::uint32_t bits = as_bits(value);
    return static_cast<Word>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  }
};

template <>
struct Format<Number::fp16> {
  using Word = std::uint16_t;
  static constexpr Word kExponent = 0x7c00;
  static WEIGHBRIDGE_INLINE float read(Word word) {
    const std::uint32_t magnitude = word & 0x7fffu;
    const float normal = as_float((magnitude << 13) + ((magnitude < kExponent ? 112u : 224u) << 23));
    const float subnormal = static_cast<float>(static_cast<std::int32_t>(magnitude)) * as_float((127u - 24) << 23);
    return as_float(as_bits(magnitude < 0x400 ? subnormal : normal) | (std::uint32_t{word} & 0x8000u) << 16);
  }
  static WEIGHBRIDGE_INLINE Word round(float value) {
    const std::uint32_t bits = as_bits(value), magnitude = bits & 0x7fffffff;
    const std::uint32_t half = as_bits(0.5f);  // adding it leaves the multiples of 2^-24 in the mantissa
    const std::uint32_t subnormal = as_bits(as_float(magnitude) + 0.5f) - half;
    const std::uint32_t normal = ((magnitude + 0xfff + ((magnitude >> 13) & 1)) >> 13) - (112u << 10);
    const std::uint32_t rounded = magnitude < 113u << 23 ? subnormal : normal;
    return static_cast<Word>((magnitude < 143u << 23 ? rounded : 0x7c00) | ((bits >> 16) & 0x8000));
  }
};

template <Number Base, Number Result, bool RoundDifference>
WEIGHBRIDGE_INLINE void add_differences(const double* sums, const std::uint8_t* base, std::size_t count,
                                        std::uint8_t* out) {
  using From = Format<Base>;
  using To = Format<Result>;
  for (std::size_t j = 0; j < count; ++j) {
    const auto word = load_le<typename From::Word>(base + j * sizeof(typename From::Word));
    float difference = static_cast<float>(sums[j]);
    if (RoundDifference) difference = To::read(To::round(difference));
    const auto rounded = To::round(From::read(word) + difference);
    const bool finite = (word & From::kExponent) != From::kExponent;
    store_le(out + j * sizeof rounded, static_cast<typename To::Word>(finite ? rounded : 0));
  }
}

template <Number Base, Number Result>
WEIGHBRIDGE_INLINE void add_rounded(bool round_difference, const double* sums, const std::uint8_t* base,
                                    std::size_t count, std::uint8_t* out) {
  if (round_difference) return add_differences<Base, Result, true>(sums, base, count, out);
  add_differences<Base, Result, false>(sums, base, count, out);
}

template <Number Base>
WEIGHBRIDGE_INLINE void add_to_base(const LowRank& plan, const double* sums, const std::uint8_t* base,
                                    std::size_t count, std::uint8_t* out) {
  const bool round = plan.round_difference;
  if (plan.number == Number::bf16) return add_rounded<Base, Number::bf16>(round, sums, base, count, out);
  if (plan.number == Number::fp16) return add_rounded<Base, Number::fp16>(round, sums, base, count, out);
  add_rounded<Base, Number::fp32>(round, sums, base, count, out);
}

WEIGHBRIDGE_INLINE void add_any(const LowRank& plan, const double* sums, const std::uint8_t* base, std::size_t count,
                                std::uint8_t* out) {
  if (plan.base == Number::bf16) return add_to_base<Number::bf16>(plan, sums, base, count, out);
  if (plan.base == Number::fp16) return add_to_base<Number::fp16>(plan, sums, base, count, out);
  add_to_base<Number::fp32>(plan, sums, base, count, out);
}

#if defined(WEIGHBRIDGE_X86)
void sum_components_avx2(const double* tile, const double* weights, std::size_t rank, std::size_t count, double* sums);
void add_differences_avx2(const LowRank& plan, const double* sums, const std::uint8_t* base, std::size_t count,
                          std::uint8_t* out);
#endif

}  // namespace weighbridge
