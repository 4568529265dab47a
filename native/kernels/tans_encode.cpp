#include "tans_lanes.hpp"

namespace weighbridge {
namespace {

// Bits are put before those that are there: whoever reads from the first byte on finds the last ones first.
struct Sink {
  std::uint64_t held;
  unsigned used;
  std::uint8_t* at;  // the bytes from here on are done

  // Keeps fewer than eight bits.
  WEIGHBRIDGE_INLINE void flush() {
    store_le(at - 8, held << ((64 - used) & 63));
    at -= used >> 3;
    used &= 7;
  }
};

WEIGHBRIDGE_INLINE void step(const TansEncodeTables& tables, Sink& sink, std::uint32_t& state, unsigned key) {
  const TansSymbol symbol = tables.symbols[key];
  const unsigned bits = (state + symbol.bits) >> 16;
  sink.held = (sink.held << bits) | (state & ((1u << bits) - 1));
  sink.used += bits;
  state = tables.states[static_cast<std::size_t>(symbol.first + static_cast<std::int32_t>(state >> bits))];
}

// States, then a one, then zeros up to a whole byte; at the very beginning for a reader.
WEIGHBRIDGE_INLINE Bytes end_stream(Sink& sink, const std::uint32_t* states, unsigned log, const std::uint8_t* end) {
  for (unsigned k = kTansStates / kTansStreams; k-- > 0;) {
    sink.held = (sink.held << log) | (states[k] - (1u << log));
    sink.used += log;
  }
  const unsigned filled = 8 - (sink.used & 7);
  sink.held = (sink.held << filled) | (1u << (filled - 1));
  sink.used += filled;
  sink.flush();
  return {sink.at, static_cast<std::size_t>(end - sink.at)};
}

WEIGHBRIDGE_INLINE TansStreams encode_all(const TansEncodeTables& tables, unsigned log, const std::uint16_t* keys,
                                          std::size_t count, std::uint8_t* const memory[kTansStreams]) {
  static_assert(kTansStates == 8 && kTansStreams == 2, "the states below are written out, so that they stay in registers");
  static_assert(7 + 4 * kMaxTableLog <= 63 && 7 + 4 * kMaxTableLog + 8 <= 64, "four steps fit between flushes");
  std::uint8_t *const end_a = memory[0] + tans_stream_bound(count) + kTansSlack,
                      *const end_b = memory[1] + tans_stream_bound(count) + kTansSlack;
  Sink a{0, 0, end_a}, b{0, 0, end_b};
  std::uint32_t s[kTansStates];
  for (std::uint32_t& state : s) state = 1u << log;
  const std::size_t whole = count / kTansStates * kTansStates;
  for (std::size_t i = count; i-- > whole;) {
    Sink& sink = (i & 7) < 4 ? a : b;
    step(tables, sink, s[i & 7], keys[i]);
    sink.flush();
  }
  std::uint32_t s0 = s[0], s1 = s[1], s2 = s[2], s3 = s[3], s4 = s[4], s5 = s[5], s6 = s[6], s7 = s[7];
  for (std::size_t i = whole; i != 0;) {
    i -= kTansStates;
    step(tables, a, s3, keys[i + 3]);
    step(tables, b, s7, keys[i + 7]);
    step(tables, a, s2, keys[i + 2]);
    step(tables, b, s6, keys[i + 6]);
    step(tables, a, s1, keys[i + 1]);
    step(tables, b, s5, keys[i + 5]);
    step(tables, a, s0, keys[i]);
    step(tables, b, s4, keys[i + 4]);
    a.flush();
    b.flush();
  }
  const std::uint32_t first[4] = {s0, s1, s2, s3}, second[4] = {s4, s5, s6, s7};
  return {{end_stream(a, first, log, end_a), end_stream(b, second, log, end_b)}};
}

#if defined(WEIGHBRIDGE_X86)
WEIGHBRIDGE_AVX2 TansStreams encode_bmi2(const TansEncodeTables& tables, unsigned log, const std::uint16_t* keys,
                                         std::size_t count, std::uint8_t* const memory[kTansStreams]) {
  return encode_all(tables, log, keys, count, memory);
}
#endif

}  // namespace

TansStreams encode_tans(const TansEncodeTables& tables, unsigned log, const std::uint16_t* keys, std::size_t count,
                        std::uint8_t* const memory[kTansStreams], Path path) {
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) return encode_bmi2(tables, log, keys, count, memory);
#endif
  static_cast<void>(path);
  return encode_all(tables, log, keys, count, memory);
}

}  // namespace weighbridge
