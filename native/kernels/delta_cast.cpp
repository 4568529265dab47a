#include "delta_cast.hpp"

namespace weighbridge {
namespace {

WEIGHBRIDGE_INLINE std::uint32_t from_bf16(std::uint16_t word) { return std::uint32_t{word} << 16; }

// What is not a number keeps its upper bits, and stays no number.
WEIGHBRIDGE_INLINE std::uint16_t to_bf16(std::uint32_t word) {
  const std::uint32_t rounded = (word + 0x7fff + ((word >> 16) & 1)) >> 16;
  const std::uint32_t quiet = (word >> 16) | 0x40;
  return static_cast<std::uint16_t>((word & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
}

// A subnormal number is a multiple of 2^-24: as an integer it is converted exactly, and then scaled.
WEIGHBRIDGE_INLINE std::uint32_t from_fp16(std::uint16_t word) {
  const std::uint32_t sign = std::uint32_t{word & 0x8000u} << 16, magnitude = word & 0x7fffu;
  const float small = static_cast<float>(static_cast<std::int32_t>(magnitude & 0x3ff)) * 0x1p-24f;
  std::uint32_t subnormal;
  std::memcpy(&subnormal, &small, sizeof small);
  const std::uint32_t normal = (magnitude << 13) + (112u << 23);
  const std::uint32_t infinite = (magnitude << 13) + (224u << 23);
  return sign | (magnitude < 0x400 ? subnormal : magnitude < 0x7c00 ? normal : infinite);
}

WEIGHBRIDGE_INLINE std::uint16_t to_fp16(std::uint32_t word) {
  const std::uint32_t sign = (word >> 16) & 0x8000u, magnitude = word & 0x7fffffff;
  // Normal: the exponent is 112 less, and 13 bits are rounded away; a carry may well go into the exponent, or to infinity.
  const std::uint32_t normal = (magnitude - (112u << 23) + 0xfff + ((magnitude >> 13) & 1)) >> 13;
  // Subnormal: adding 1/2 leaves as many bits of it as there are in its place, rounded as additions are.
  float value;
  std::memcpy(&value, &magnitude, sizeof value);
  value += 0.5f;
  std::uint32_t subnormal;
  std::memcpy(&subnormal, &value, sizeof value);
  subnormal -= 126u << 23;
  const std::uint32_t nan = 0x7e00u | ((magnitude >> 13) & 0x3ff);
  const std::uint32_t large = magnitude > 0x7f800000 ? nan : 0x7c00u;
  const std::uint32_t half = magnitude < (113u << 23) ? subnormal : magnitude < (143u << 23) ? normal : large;
  return static_cast<std::uint16_t>(sign | half);
}

template <typename From, typename To, typename Cast>
WEIGHBRIDGE_INLINE void cast_all(const std::uint8_t* words, std::size_t count, std::uint8_t* cast, Cast one) {
  for (std::size_t i = 0; i < count; ++i)
    store_le<To>(cast + i * sizeof(To), one(load_le<From>(words + i * sizeof(From))));
}

WEIGHBRIDGE_INLINE void cast_any(CastKind from, CastKind to, const std::uint8_t* words, std::size_t count,
                                 std::uint8_t* cast) {
  using Half = std::uint16_t;
  using Full = std::uint32_t;
  struct ToBf16 {
    WEIGHBRIDGE_INLINE Half operator()(Full word) const { return to_bf16(word); }
  };
  struct ToFp16 {
    WEIGHBRIDGE_INLINE Half operator()(Full word) const { return to_fp16(word); }
  };
  struct FromBf16 {
    WEIGHBRIDGE_INLINE Full operator()(Half word) const { return from_bf16(word); }
  };
  struct FromFp16 {
    WEIGHBRIDGE_INLINE Full operator()(Half word) const { return from_fp16(word); }
  };
  struct BetweenHalves {
    bool to_bf;
    WEIGHBRIDGE_INLINE Half operator()(Half word) const {
      return to_bf ? to_bf16(from_fp16(word)) : to_fp16(from_bf16(word));
    }
  };
  if (from == CastKind::fp32 && to == CastKind::bf16) return cast_all<Full, Half>(words, count, cast, ToBf16{});
  if (from == CastKind::fp32) return cast_all<Full, Half>(words, count, cast, ToFp16{});
  if (to != CastKind::fp32) return cast_all<Half, Half>(words, count, cast, BetweenHalves{to == CastKind::bf16});
  if (from == CastKind::bf16) return cast_all<Half, Full>(words, count, cast, FromBf16{});
  cast_all<Half, Full>(words, count, cast, FromFp16{});
}

#if defined(WEIGHBRIDGE_X86)
WEIGHBRIDGE_AVX2 void cast_avx2(CastKind from, CastKind to, const std::uint8_t* words, std::size_t count,
                                std::uint8_t* cast) {
  cast_any(from, to, words, count, cast);
}
#endif

}  // namespace

void cast_words(CastKind from, CastKind to, const std::uint8_t* words, std::size_t count, std::uint8_t* cast,
                Path path) {
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) return cast_avx2(from, to, words, count, cast);
#endif
  static_cast<void>(path);
  cast_any(from, to, words, count, cast);
}

}  // namespace weighbridge
