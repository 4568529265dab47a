#include "lowrank.hpp"

#include <algorithm>
#include <cfenv>
#include <cfloat>
#include <limits>

#include "lowrank_sum.hpp"

static_assert(std::numeric_limits<double>::is_iec559 && std::numeric_limits<float>::is_iec559, "IEEE 754 arithmetic");
static_assert(FLT_EVAL_METHOD == 0, "sums must not be kept in more bits than their type has");

namespace weighbridge {
namespace {

// Rounding and subnormal numbers as IEEE 754 has them, whatever the thread was set to, and back again.
class PlainArithmetic {
 public:
  PlainArithmetic() {
    std::fegetenv(&before_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~PlainArithmetic() { std::fesetenv(&before_); }
  PlainArithmetic(const PlainArithmetic&) = delete;
  PlainArithmetic& operator=(const PlainArithmetic&) = delete;

 private:
  std::fenv_t before_;
};

double power_of_two(int exponent) {
  const std::uint64_t bits = static_cast<std::uint64_t>(1023 + exponent) << 52;
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

double factor(const LowRank& plan, std::size_t index) {
  const std::size_t count = plan.rank * (plan.rows + plan.columns);
  std::uint32_t zigzag = 0;
  for (unsigned p = 0; p < plan.width; ++p) zigzag |= std::uint32_t{plan.factors[p * count + index]} << (8 * p);
  const auto half = static_cast<double>(zigzag >> 1);
  return (zigzag & 1) != 0 ? -half - 1 : half;
}

void load_tile(const LowRank& plan, std::size_t start, std::size_t size, double* tile) {
  for (std::size_t k = 0; k < plan.rank; ++k) {
    const double scale = power_of_two(plan.exponents[k]);
    for (std::size_t j = 0; j < size; ++j)
      tile[k * kLowRankTile + j] = factor(plan, k * plan.columns + start + j) * scale;
  }
}

void load_weights(const LowRank& plan, std::size_t row, double* weights) {
  const std::size_t start = plan.rank * plan.columns + row;
  for (std::size_t k = 0; k < plan.rank; ++k) weights[k] = factor(plan, start + k * plan.rows);
}

void predict_stretch(const LowRank& plan, const double* tile, const double* weights, const std::uint8_t* base,
                     std::size_t count, std::uint8_t* out, Path path) {
  double sums[kLowRankTile];
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) {
    sum_components_avx2(tile, weights, plan.rank, count, sums);
    return add_differences_avx2(plan, sums, base, count, out);
  }
#endif
  static_cast<void>(path);
  sum_components_from(0, tile, weights, plan.rank, count, sums);
  add_any(plan, sums, base, count, out);
}

}  // namespace

void predict_low_rank(const LowRank& plan, const std::uint8_t* base, std::size_t first, std::size_t count,
                      double* scratch, std::uint8_t* out, Path path) {
  if (count == 0) return;
  const PlainArithmetic plain;
  double *tile = scratch, *weights = scratch + kLowRankTile * plan.rank;
  const std::size_t from = number_bytes(plan.base), to = number_bytes(plan.number);
  const std::size_t end = first + count, first_row = first / plan.columns, last_row = (end - 1) / plan.columns;
  const std::size_t left = first_row == last_row ? first % plan.columns : 0;
  const std::size_t right = first_row == last_row ? (end - 1) % plan.columns + 1 : plan.columns;
  for (std::size_t start = left; start < right; start += kLowRankTile) {
    const std::size_t stop = std::min(start + kLowRankTile, right);
    load_tile(plan, start, stop - start, tile);
    for (std::size_t row = first_row; row <= last_row; ++row) {
      const std::size_t begin = std::max(row * plan.columns + start, first);
      const std::size_t finish = std::min(row * plan.columns + stop, end);
      if (begin >= finish) continue;
      load_weights(plan, row, weights);
      predict_stretch(plan, tile + (begin - row * plan.columns - start), weights, base + (begin - first) * from,
                      finish - begin, out + (begin - first) * to, path);
    }
  }
}

}  // namespace weighbridge
