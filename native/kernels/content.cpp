#include "content.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>
#endif

namespace weighbridge {
namespace {

constexpr std::array<std::uint64_t, 256> make_gear() {
  std::array<std::uint64_t, 256> table{};
  std::uint64_t state = 0;
  for (auto& entry : table) {
    state += 0x9E3779B97F4A7C15u;
    std::uint64_t mixed = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    entry = mixed ^ (mixed >> 31);
  }
  return table;
}

constexpr std::array<std::uint64_t, 256> kGear = make_gear();

using Counts = std::array<std::uint32_t, 256>;

// Four tables, so that a run of one byte does not wait for its own last increment.
Counts count_bytes(const std::uint8_t* data, std::size_t size) {
  Counts tables[4] = {};
  std::size_t i = 0;
  for (; i + 4 <= size; i += 4) {
    for (unsigned t = 0; t < 4; ++t) ++tables[t][data[i + t]];
  }
  for (; i < size; ++i) ++tables[0][data[i]];
  for (unsigned value = 0; value < 256; ++value) {
    tables[0][value] += tables[1][value] + tables[2][value] + tables[3][value];
  }
  return tables[0];
}

double entropy(const Counts& counts, std::size_t size) {
  const double total = static_cast<double>(size);
  double bits = 0;
  for (const std::uint32_t count : counts) {
    if (count != 0) bits += count * std::log2(total / count);
  }
  return bits / total;
}

constexpr std::uint64_t kKey = 0x9E3779B97F4A7C15u;
constexpr std::uint64_t kShortKey = 0x9E3779B1u;
constexpr std::uint64_t kPicked = std::uint64_t{63} << 26;  // one word in 64 has none of these bits in its product

// One word in 64, by its value, and zero not. 32 bits are multiplied, since AVX2 has nothing longer.
bool is_picked(std::uint64_t word) {
  return (((((word ^ (word >> 32)) + 1) & 0xffffffff) * kShortKey) & kPicked) == 0;
}

// The different stretches seen, and whether they came again.
class Sample {
 public:
  void add(const std::uint8_t* stretch, std::size_t words) {
    std::uint64_t word = load_le<std::uint64_t>(stretch);
    for (std::size_t w = 1; w < words; ++w) word = (word * kKey) ^ load_le<std::uint64_t>(stretch + 8 * w);
    const std::size_t slot = ((word * kKey) >> 45) % kSlots;
    if (states_[slot] == kEmpty || seen_[slot] != word) {
      ++different_;
      seen_[slot] = word;
      states_[slot] = kOnce;
    } else if (states_[slot] == kOnce) {
      ++repeated_;
      states_[slot] = kAgain;
    }
  }

  double share() const { return different_ == 0 ? 0.0 : static_cast<double>(repeated_) / static_cast<double>(different_); }

 private:
  static constexpr std::size_t kSlots = 8192;
  enum State : std::uint8_t { kEmpty, kOnce, kAgain };
  std::array<std::uint64_t, kSlots> seen_;  // of slots that are not empty
  std::array<State, kSlots> states_{};
  std::size_t different_ = 0, repeated_ = 0;
};

void sample_from(const std::uint8_t* data, std::size_t size, std::size_t at, std::size_t words, Sample& sample) {
  for (; at + 8 * words <= size; at += 8 * words)
    if (is_picked(load_le<std::uint64_t>(data + at))) sample.add(data + at, words);
}

#if defined(WEIGHBRIDGE_X86)
// Stretches of 1, 2 or 4 words: whole ones in every 32 bytes.
WEIGHBRIDGE_AVX2 void sample_avx2(const std::uint8_t* data, std::size_t size, std::size_t words, Sample& sample) {
  const __m256i key = _mm256_set1_epi64x(kShortKey), picked = _mm256_set1_epi64x(kPicked);
  const unsigned lanes = words == 1 ? 15 : words == 2 ? 5 : 1;
  std::size_t at = 0;
  for (; at + 32 <= size; at += 32) {
    const __m256i four = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + at));
    const __m256i folded = _mm256_add_epi64(_mm256_xor_si256(four, _mm256_srli_epi64(four, 32)), _mm256_set1_epi64x(1));
    const __m256i product = _mm256_mul_epu32(folded, key);
    const __m256i none = _mm256_cmpeq_epi64(_mm256_and_si256(product, picked), _mm256_setzero_si256());
    unsigned found = static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(none))) & lanes;
    for (; found != 0; found &= found - 1) sample.add(data + at + 8 * trailing_zeros(found), words);
  }
  sample_from(data, size, at, words, sample);
}
#endif

}  // namespace

std::size_t next_cut(const std::uint8_t* data, std::size_t size, std::size_t least, unsigned bits, std::size_t most) {
  const std::size_t end = std::min(size, most);
  if (end <= least) return end;
  const unsigned shift = 64 - bits;
  std::uint64_t hash = 0;  // one shift for each byte: after 64, nothing is left of what came before
  for (std::size_t i = least - kGearWindow; i < least; ++i) hash = (hash << 1) + kGear[data[i]];
  for (std::size_t i = least; i < end; ++i) {
    if ((hash >> shift) == 0) return i;
    hash = (hash << 1) + kGear[data[i]];
  }
  return end;
}

double least_entropy(const std::uint8_t* data, std::size_t size, std::size_t window, std::size_t sample) {
  double least = 8;
  for (std::size_t start = 0; start < size; start += window) {
    const std::size_t length = std::min({window, sample, size - start});
    least = std::min(least, entropy(count_bytes(data + start, length), length));
  }
  return least;
}

double repeat_share(const std::uint8_t* data, std::size_t size, std::size_t words, Path path) {
  Sample sample;
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) {
    sample_avx2(data, size, words, sample);
    return sample.share();
  }
#endif
  static_cast<void>(path);
  sample_from(data, size, 0, words, sample);
  return sample.share();
}

}  // namespace weighbridge
