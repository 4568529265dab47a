#include "content.hpp"

#include <algorithm>
#include <array>
#include <cmath>

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

double repeat_share(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t slots = 8192;
  enum State : std::uint8_t { kEmpty, kOnce, kAgain };
  std::array<std::uint64_t, slots> seen{};
  std::array<State, slots> states{};
  std::size_t different = 0, repeated = 0;
  for (std::size_t i = 0; i + 8 <= size; i += 8) {
    std::uint64_t word = 0;
    for (unsigned p = 0; p < 8; ++p) word |= static_cast<std::uint64_t>(data[i + p]) << (8 * p);
    const std::uint64_t mixed = word * 0x9E3779B97F4A7C15u;
    if ((mixed >> 58) != 0) continue;
    const std::size_t slot = (mixed >> 45) % slots;
    if (states[slot] == kEmpty || seen[slot] != word) {
      ++different;
      seen[slot] = word;
      states[slot] = kOnce;
    } else if (states[slot] == kOnce) {
      ++repeated;
      states[slot] = kAgain;
    }
  }
  return different == 0 ? 0.0 : static_cast<double>(repeated) / static_cast<double>(different);
}

}  // namespace weighbridge
