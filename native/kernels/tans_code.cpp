#include "tans_code.hpp"

#include <algorithm>

namespace weighbridge {
namespace {

unsigned floor_log2(std::uint32_t value) { return 63 - leading_zeros(value); }

// Calls with every state and its symbol, from state 0 on. A step that has no divisor in common with 2^log visits all.
template <typename Use>
void each_state(const TansCounts& counts, unsigned log, const Use& use) {
  const std::uint32_t size = 1u << log, step = (size >> 1) + (size >> 3) + 3;
  std::uint8_t symbol[1u << kMaxTableLog];
  std::uint32_t at = 0;
  for (unsigned s = 0; s <= counts.last; ++s)
    for (unsigned i = 0; i < counts.of[s]; ++i) {
      symbol[at] = static_cast<std::uint8_t>(s);
      at = (at + step) & (size - 1);
    }
  for (std::uint32_t state = 0; state < size; ++state) use(state, symbol[state]);
}

// ---- descriptions

struct BitWriter {
  Writer& to;
  std::uint32_t held = 0;
  unsigned used = 0;

  void put(unsigned bit) {
    held |= bit << used;
    if (++used < 8) return;
    to.number(1, held);
    held = used = 0;
  }
  void gamma(std::uint32_t value) {
    const unsigned below = floor_log2(value);
    for (unsigned i = 0; i < below; ++i) put(0);
    for (unsigned i = below + 1; i-- > 0;) put((value >> i) & 1);
  }
  void finish() {
    while (used != 0) put(0);
  }
};

struct BitReader {
  Reader& from;
  std::uint32_t held = 0;
  unsigned left = 0;

  bool take(unsigned& bit) {
    if (left == 0) {
      if (!from.number(1, held)) return false;
      left = 8;
    }
    bit = held & 1;
    held >>= 1;
    --left;
    return true;
  }
  bool gamma(std::uint32_t& value) {
    unsigned below = 0, bit = 0;
    while (take(bit) && bit == 0)
      if (++below > kMaxTableLog + 1) return false;
    if (bit == 0) return false;
    value = 1;
    for (unsigned i = 0; i < below; ++i) {
      if (!take(bit)) return false;
      value = 2 * value + bit;
    }
    return true;
  }
};

}  // namespace

void normalise_counts(const std::uint32_t seen[256], unsigned log, TansCounts& counts) {
  std::uint64_t total = 0;
  for (unsigned s = 0; s < 256; ++s) total += seen[s];
  const std::uint64_t size = std::uint64_t{1} << log;
  std::uint64_t given = 0;
  unsigned most = 0;
  counts = {};
  for (unsigned s = 0; s < 256; ++s) {
    if (seen[s] == 0) continue;
    const std::uint64_t share = std::max<std::uint64_t>((2 * seen[s] * size + total) / (2 * total), 1);
    counts.of[s] = static_cast<std::uint16_t>(share);
    counts.last = s;
    if (share > counts.of[most]) most = s;
    given += share;
  }
  // What rounding gave away is taken from the largest, where it is missed least.
  for (; given > size; --given) {
    if (counts.of[most] <= given - size + counts.of[most] / 2)
      most = static_cast<unsigned>(std::max_element(counts.of, counts.of + 256) - counts.of);
    --counts.of[most];
  }
  counts.of[most] = static_cast<std::uint16_t>(counts.of[most] + (size - given));
}

void write_counts(const TansCounts& counts, Writer& to) {
  to.number(1, counts.last);
  BitWriter bits{to};
  int before = 0;
  for (unsigned s = 0; s <= counts.last; ++s) {
    const int change = static_cast<int>(counts.of[s]) - before;
    bits.gamma(static_cast<std::uint32_t>(change < 0 ? -2 * change : 2 * change + 1));
    before = counts.of[s];
  }
  bits.finish();
}

bool read_counts(Reader& from, unsigned log, TansCounts& counts) {
  std::uint32_t last;
  if (!from.number(1, last)) return false;
  counts = {};
  counts.last = last;
  BitReader bits{from};
  std::uint32_t sum = 0;
  int count = 0;
  for (unsigned s = 0; s <= last; ++s) {
    std::uint32_t value;
    if (!bits.gamma(value)) return false;
    count += (value & 1) != 0 ? static_cast<int>(value >> 1) : -static_cast<int>(value >> 1);
    if (count < 0 || (sum += static_cast<std::uint32_t>(count)) > 1u << log) return false;
    counts.of[s] = static_cast<std::uint16_t>(count);
  }
  return sum == 1u << log && count != 0 && bits.held == 0;
}

void fill_decode_table(const TansCounts& counts, unsigned log, TansEntry* table) {
  std::uint32_t next[256];
  for (unsigned s = 0; s <= counts.last; ++s) next[s] = counts.of[s];
  each_state(counts, log, [&](std::uint32_t state, unsigned symbol) {
    const std::uint32_t x = next[symbol]++;
    const unsigned bits = log - floor_log2(x);
    table[state] = {static_cast<std::uint16_t>(symbol << 8 | bits), static_cast<std::uint16_t>((x << bits) - (1u << log))};
  });
}

void fill_encode_table(const TansCounts& counts, unsigned log, TansSymbol symbols[256], std::uint16_t* states,
                       std::size_t at) {
  std::size_t next[256];
  for (unsigned s = 0; s <= counts.last; ++s) {
    next[s] = at;
    const std::uint32_t count = counts.of[s];
    if (count == 0) continue;
    const unsigned most = log - floor_log2(count);
    symbols[s] = {(most << 16) - (count << most), static_cast<std::int32_t>(at) - static_cast<std::int32_t>(count)};
    at += count;
  }
  each_state(counts, log, [&](std::uint32_t state, unsigned symbol) {
    states[next[symbol]++] = static_cast<std::uint16_t>((1u << log) + state);
  });
}

}  // namespace weighbridge
