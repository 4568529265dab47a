#include <algorithm>

#include "tans_lanes.hpp"

namespace weighbridge {
namespace {

constexpr std::uint64_t kMark = std::uint64_t{1} << 63;

struct Bits {
  std::uint64_t bits;
  const std::uint8_t* at;
};

// At least 56 bits are there afterwards, and a mark.
WEIGHBRIDGE_INLINE void refill(Bits& from) {
  const unsigned used = leading_zeros(from.bits);
  from.at += used >> 3;
  from.bits = (load_le<std::uint64_t>(from.at) | kMark) >> (used & 7);
}

// `place` holds where the table of its code starts, and then the symbol.
WEIGHBRIDGE_INLINE void step(const TansEntry* entries, Bits& from, std::size_t& state, std::uint16_t& place) {
  const TansEntry& entry = entries[place + state];
  const std::uint16_t bits = entry.symbol;
  place = bits;
  state = entry.next + static_cast<std::size_t>(from.bits & ((std::uint64_t{1} << (bits & 63)) - 1));
  from.bits >>= bits & 63;
}

constexpr std::ptrdiff_t kLookedAt = 15;  // bytes from the place of a source on, until it is refilled twice

// The last bytes of a stream, read from a copy from now on.
void copy_tail(TansSource& source) {
  const auto left = static_cast<std::size_t>(source.end - source.at);
  std::memset(source.tail, 0, sizeof source.tail);
  if (left != 0) std::memcpy(source.tail, source.at, left);
  source.at = source.tail;
  source.last = source.end = source.tail + left;
}

// False at the end: then steps would read what is not there.
bool can_step(TansSource& source) {
  if (source.at > source.last && source.last != source.end) copy_tail(source);
  return source.at <= source.last;
}

bool begin_source(Bytes stream, unsigned log, std::size_t* states, TansSource& source) {
  if (stream.size == 0 || stream.data[0] == 0) return false;
  source.at = stream.data;
  source.end = stream.data + stream.size;
  if (stream.size < kLookedAt)
    copy_tail(source);
  else
    source.last = source.end - kLookedAt;
  Bits from{kMark >> (trailing_zeros(stream.data[0]) + 1), source.at};
  refill(from);
  for (unsigned k = 0; k < kTansStates / kTansStreams; ++k) {
    states[k] = from.bits & ((1u << log) - 1);
    from.bits >>= log;
  }
  source.bits = from.bits;
  source.at = from.at;
  return true;
}

// As many whole rounds of eight steps as the sources surely serve; returns how many steps were done.
WEIGHBRIDGE_INLINE std::size_t decode_rounds(const TansEntry* entries, TansSource& first, TansSource& second,
                                             std::size_t* s, std::uint16_t* places, std::size_t count) {
  static_assert(kTansStates == 8 && kTansStreams == 2, "the states below are written out, so that they stay in registers");
  static_assert(4 * kMaxTableLog <= 56, "four steps fit between refills");
  Bits a{first.bits, first.at}, b{second.bits, second.at};
  const std::uint8_t *const last_a = first.last, *const last_b = second.last;
  std::size_t s0 = s[0], s1 = s[1], s2 = s[2], s3 = s[3], s4 = s[4], s5 = s[5], s6 = s[6], s7 = s[7];
  std::size_t i = 0;
  for (; i + kTansStates <= count && a.at <= last_a && b.at <= last_b; i += kTansStates) {
    refill(a);
    refill(b);
    step(entries, a, s0, places[i]);
    step(entries, b, s4, places[i + 4]);
    step(entries, a, s1, places[i + 1]);
    step(entries, b, s5, places[i + 5]);
    step(entries, a, s2, places[i + 2]);
    step(entries, b, s6, places[i + 6]);
    step(entries, a, s3, places[i + 3]);
    step(entries, b, s7, places[i + 7]);
  }
  first.bits = a.bits;
  first.at = a.at;
  second.bits = b.bits;
  second.at = b.at;
  const std::size_t after[kTansStates] = {s0, s1, s2, s3, s4, s5, s6, s7};
  std::memcpy(s, after, sizeof after);
  return i;
}

WEIGHBRIDGE_INLINE bool decode_all(TansDecoder& decoder, std::uint16_t* places, std::size_t count) {
  TansSource &first = decoder.source[0], &second = decoder.source[1];
  std::size_t i = 0;
  while (i + kTansStates <= count) {
    if (!can_step(first) || !can_step(second)) return false;
    i += decode_rounds(decoder.entries, first, second, decoder.states, places + i, count - i);
  }
  for (unsigned k = 0; i + k < count; ++k) {
    TansSource& source = k < kTansStates / 2 ? first : second;
    if (!can_step(source)) return false;
    Bits from{source.bits, source.at};
    refill(from);
    step(decoder.entries, from, decoder.states[k], places[i + k]);
    source.bits = from.bits;
    source.at = from.at;
  }
  return true;
}

#if defined(WEIGHBRIDGE_X86)
__attribute__((target("avx2,bmi,bmi2,lzcnt"))) bool decode_bmi2(TansDecoder& decoder, std::uint16_t* places, std::size_t count) {
  return decode_all(decoder, places, count);
}
#endif

}  // namespace

bool TansDecoder::begin(const TansDecodeTables& tables, unsigned table_log, const Bytes streams[kTansStreams]) {
  entries = tables.entries;
  log = table_log;
  for (unsigned k = 0; k < kTansStreams; ++k)
    if (!begin_source(streams[k], log, states + k * (kTansStates / kTansStreams), source[k])) return false;
  return true;
}

bool TansDecoder::decode(std::uint16_t* places, std::size_t count, Path path) {
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) return decode_bmi2(*this, places, count);
#endif
  static_cast<void>(path);
  return decode_all(*this, places, count);
}

bool TansDecoder::finish() const {
  for (const TansSource& from : source) {
    const unsigned used = leading_zeros(from.bits);
    if ((used & 7) != 0 || from.end - from.at != static_cast<std::ptrdiff_t>(used >> 3)) return false;
  }
  return std::all_of(states, states + kTansStates, [](std::size_t state) { return state == 0; });
}

}  // namespace weighbridge
