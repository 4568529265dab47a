// Low rank: a tensor predicted from another of its shape and the two factors of their difference (spec/codecs.md, 6.2).
//
// The arithmetic is fixed: for every element products are added in the order of components, each product and each sum
// rounded to binary64, never fused. Vectors lie along columns, so each lane does just what the portable loop does.
#pragma once
#include "bytes.hpp"

namespace weighbridge {

enum class Number : std::uint8_t { bf16 = 1, fp16 = 2, fp32 = 3 };

WEIGHBRIDGE_INLINE std::size_t number_bytes(Number number) { return number == Number::fp32 ? 4 : 2; }

// `factors` holds rank * (rows + columns) integers of `width` bytes, zigzag, split into planes: the columns' factor, a
// component after the other, then the rows'. Component k counts 2^exponents[k] times.
struct LowRank {
  const std::uint8_t* factors;
  const std::int8_t* exponents;
  std::size_t rank, rows, columns;
  unsigned width;
  bool round_difference;  // to the number format of the result, before it is added
  Number base, number;
};

constexpr std::size_t kLowRankTile = 256;  // columns that are worked on at a time

// How many doubles of scratch memory `predict_low_rank` needs.
constexpr std::size_t low_rank_scratch(std::size_t rank) { return (kLowRankTile + 1) * rank; }

// Elements `first` … `first + count - 1` of the tensor; `base` holds the same elements of the other one. They must lie
// within rows * columns, and every value is valid.
void predict_low_rank(const LowRank& plan, const std::uint8_t* base, std::size_t first, std::size_t count,
                      double* scratch, std::uint8_t* out, Path path);

}  // namespace weighbridge
