#include "lowrank_sum.hpp"

#if defined(WEIGHBRIDGE_X86)
#include <immintrin.h>

namespace weighbridge {

WEIGHBRIDGE_AVX2 void sum_components_avx2(const double* tile, const double* weights, std::size_t rank,
                                          std::size_t count, double* sums) {
  constexpr std::size_t kLanes = 4, kVectors = 4, kStep = kLanes * kVectors;
  std::size_t start = 0;
  for (; start + kStep <= count; start += kStep) {
    __m256d sum[kVectors];
    for (auto& lanes : sum) lanes = _mm256_setzero_pd();
    for (std::size_t k = 0; k < rank; ++k) {
      const __m256d weight = _mm256_broadcast_sd(weights + k);
      const double* from = tile + k * kLowRankTile + start;
      for (std::size_t v = 0; v < kVectors; ++v)
        sum[v] = _mm256_add_pd(sum[v], _mm256_mul_pd(weight, _mm256_loadu_pd(from + v * kLanes)));
    }
    for (std::size_t v = 0; v < kVectors; ++v) _mm256_storeu_pd(sums + start + v * kLanes, sum[v]);
  }
  sum_components_from(start, tile, weights, rank, count, sums);
}

WEIGHBRIDGE_AVX2 void add_differences_avx2(const LowRank& plan, const double* sums, const std::uint8_t* base,
                                           std::size_t count, std::uint8_t* out) {
  add_any(plan, sums, base, count, out);
}

}  // namespace weighbridge
#endif
