#include <algorithm>

#include "huffman_stream.hpp"

namespace weighbridge {
namespace {

// ---- decoding tables
//
// An entry says which symbols lie wholly within the next b bits: the symbols in order, from the lowest byte, how many
// bits they take, and how many they are. The table for b bits starts at entry 2^b, and is made of the tables for fewer
// bits: a symbol of length l, then whatever the table for b - l bits says of the rest.

// Up to six symbols of eleven bits: for codes whose words are short.
struct Wide {
  using Entry = std::uint64_t;
  static constexpr unsigned kBits = 11, kMost = 6, kLengthAt = 48, kCountAt = 56;
};
// Up to three symbols of twelve bits, in a table half as big, for words too long for more to fit.
struct Narrow {
  using Entry = std::uint32_t;
  static constexpr unsigned kBits = 12, kMost = 3, kLengthAt = 24, kCountAt = 30;
};

template <typename Table>
WEIGHBRIDGE_INLINE void fill_table(const HuffmanCode& code, const std::uint8_t* sorted, unsigned symbols, unsigned bits,
                                   typename Table::Entry* entry) {
  using Entry = typename Table::Entry;
  constexpr Entry kSymbols = (Entry{1} << Table::kLengthAt) - 1, kNumbers = static_cast<Entry>(~kSymbols);
  Entry* to = entry + (std::size_t{1} << bits);
  Entry* const end = to + (std::size_t{1} << bits);
  for (unsigned i = 0; i < symbols && code.length[sorted[i]] <= bits; ++i) {
    const unsigned length = code.length[sorted[i]];
    const std::size_t size = std::size_t{1} << (bits - length);
    const Entry* rest = entry + size;
    const Entry one = (Entry{1} << Table::kCountAt) | (Entry{length} << Table::kLengthAt) | sorted[i];
    for (std::size_t k = 0; k < size; ++k) {
      const Entry more = ((rest[k] << 8) & kSymbols) + (rest[k] & kNumbers) + one;
      to[k] = rest[k] >> Table::kCountAt < Table::kMost ? more : one;
    }
    to += size;
  }
  std::fill(to, end, Entry{0});
}

template <typename Table>
WEIGHBRIDGE_INLINE void fill_tables(const HuffmanCode& code, typename Table::Entry* entry) {
  std::uint8_t sorted[256];
  const unsigned symbols = sort_symbols(code, sorted);
  const unsigned shortest = code.length[sorted[0]];
  entry[1] = 0;
  for (unsigned b = 1; b + shortest <= Table::kBits; ++b) fill_table<Table>(code, sorted, symbols, b, entry);
  fill_table<Table>(code, sorted, symbols, Table::kBits, entry);
}

// ---- decoding streams

struct Lane {
  std::uint64_t bits;      // the next bits, left-aligned; the lowest one set is a mark, no data
  const std::uint8_t* at;  // where `bits` was loaded from
  std::uint8_t* out;
};

WEIGHBRIDGE_INLINE void refill(Lane& lane) {
  const unsigned used = trailing_zeros(lane.bits);
  lane.at += used >> 3;
  lane.bits = (load_be64(lane.at) | 1) << (used & 7);
}

// What an entry says of length and count is loaded once more, as bytes: processors do more loads at once than shifts.
template <typename Table>
WEIGHBRIDGE_INLINE void look_up(Lane& lane, const typename Table::Entry* table) {
  const std::uint64_t index = lane.bits >> (64 - Table::kBits);
  const typename Table::Entry entry = table[index];
  const std::uint64_t length = byte_of(table + index, Table::kLengthAt / 8);
  const std::uint64_t count =
      Table::kCountAt % 8 == 0 ? byte_of(table + index, Table::kCountAt / 8) : entry >> Table::kCountAt;
  store_le(lane.out, entry);
  lane.bits <<= length & 63;
  lane.out += count;
}

// A round is as many look-ups as 64 bits surely serve, less a mark and seven bits used before.
template <typename Table>
constexpr unsigned kLookUps = 55 / Table::kBits;

// Rounds that a lane can surely do, neither reading nor writing outside its stream.
template <typename Table>
WEIGHBRIDGE_INLINE std::size_t safe_rounds(const Lane& lane, const std::uint8_t* end, const std::uint8_t* out_end) {
  constexpr unsigned kWritten = kLookUps<Table> * Table::kMost + sizeof(typename Table::Entry) - Table::kMost;
  const auto bytes = static_cast<std::size_t>(end - lane.at), room = static_cast<std::size_t>(out_end - lane.out);
  return bytes < 8 ? 0 : std::min((bytes - 8) / 7, room / kWritten);
}

// Decodes what is left of a stream, symbol by symbol, from bit `position`; the stream must end where they do.
template <typename Table>
bool finish_stream(const typename Table::Entry* table, const HuffmanCode& code, Bytes stream, std::size_t position,
                   std::uint8_t* out, const std::uint8_t* out_end) {
  while (out != out_end) {
    if (position >= 8 * stream.size) return false;
    const std::size_t byte = position >> 3;
    std::uint32_t window = 0;
    for (std::size_t k = 0; k < 3; ++k) window = (window << 8) | (byte + k < stream.size ? stream.data[byte + k] : 0u);
    const std::uint32_t index = ((window << (position & 7)) & 0xffffff) >> (24 - Table::kBits);
    *out = static_cast<std::uint8_t>(table[index]);
    position += code.length[*out++];
  }
  if (position > 8 * stream.size || stream.size != (position + 7) / 8) return false;
  return (position & 7) == 0 || static_cast<std::uint8_t>(stream.data[position >> 3] << (position & 7)) == 0;
}

// A lane by itself, to the end of its stream.
template <typename Table>
WEIGHBRIDGE_INLINE bool finish_lane(const typename Table::Entry* table, const HuffmanCode& code, Bytes stream,
                                    Lane lane, const std::uint8_t* out_end) {
  while (std::size_t rounds = safe_rounds<Table>(lane, stream.data + stream.size, out_end)) {
    for (; rounds != 0; --rounds) {
      for (unsigned k = 0; k < kLookUps<Table>; ++k) look_up<Table>(lane, table);
      refill(lane);
    }
  }
  const std::size_t used = 8 * static_cast<std::size_t>(lane.at - stream.data) + trailing_zeros(lane.bits);
  return finish_stream<Table>(table, code, stream, used, lane.out, out_end);
}

template <typename Table>
WEIGHBRIDGE_INLINE bool decode_five(const typename Table::Entry* table, const HuffmanCode& code,
                                    const Bytes streams[kStreams], std::uint8_t* out, std::size_t count) {
  static_assert(kStreams == 5, "the lanes below are written out, so that they stay in registers");
  Lane lane[kStreams];
  const std::uint8_t* end[kStreams];
  const std::uint8_t* out_end[kStreams];
  bool ready = true;
  for (std::size_t s = 0; s < kStreams; ++s) {
    end[s] = streams[s].data + streams[s].size;
    ready = ready && streams[s].size >= 8;
    lane[s] = {streams[s].size >= 8 ? load_be64(streams[s].data) | 1 : 1, streams[s].data, out};
    out_end[s] = out += stream_symbols(count, s);
  }
  Lane a = lane[0], b = lane[1], c = lane[2], d = lane[3], e = lane[4];
  while (ready) {
    std::size_t rounds = safe_rounds<Table>(a, end[0], out_end[0]);
    rounds = std::min(rounds, safe_rounds<Table>(b, end[1], out_end[1]));
    rounds = std::min(rounds, safe_rounds<Table>(c, end[2], out_end[2]));
    rounds = std::min(rounds, safe_rounds<Table>(d, end[3], out_end[3]));
    rounds = std::min(rounds, safe_rounds<Table>(e, end[4], out_end[4]));
    if (rounds == 0) break;
    for (; rounds != 0; --rounds) {
      for (unsigned k = 0; k < kLookUps<Table>; ++k) {
        look_up<Table>(a, table);
        look_up<Table>(b, table);
        look_up<Table>(c, table);
        look_up<Table>(d, table);
        look_up<Table>(e, table);
      }
      refill(a);
      refill(b);
      refill(c);
      refill(d);
      refill(e);
    }
  }
  const Lane ended[kStreams] = {a, b, c, d, e};
  bool whole = true;
  for (std::size_t s = 0; s < kStreams; ++s)
    whole = finish_lane<Table>(table, code, streams[s], ended[s], out_end[s]) && whole;
  return whole;
}

template <typename Table>
WEIGHBRIDGE_INLINE bool decode_streams(const HuffmanCode& code, const Bytes streams[kStreams], std::uint8_t* out,
                                       std::size_t count, typename Table::Entry* entry) {
  fill_tables<Table>(code, entry);
  const typename Table::Entry* table = entry + (std::size_t{1} << Table::kBits);
  if (stream_count(count) != 1) return decode_five<Table>(table, code, streams, out, count);
  const Bytes& only = streams[0];
  const Lane lane{only.size >= 8 ? load_be64(only.data) | 1 : 1, only.data, out};
  return finish_lane<Table>(table, code, only, lane, out + count);
}

bool decode_portable(const HuffmanCode& code, const Bytes streams[kStreams], std::uint8_t* out, std::size_t count,
                     DecodeTables& tables) {
  if (code.longest <= Wide::kBits) return decode_streams<Wide>(code, streams, out, count, tables.wide);
  return decode_streams<Narrow>(code, streams, out, count, tables.narrow);
}

#if defined(WEIGHBRIDGE_X86)
WEIGHBRIDGE_AVX2 bool decode_bmi2(const HuffmanCode& code, const Bytes streams[kStreams], std::uint8_t* out,
                                  std::size_t count, DecodeTables& tables) {
  if (code.longest <= Wide::kBits) return decode_streams<Wide>(code, streams, out, count, tables.wide);
  return decode_streams<Narrow>(code, streams, out, count, tables.narrow);
}
#endif

}  // namespace

bool decode_sequence(Reader& from, std::uint8_t* symbols, std::size_t count, DecodeTables& tables, Path path) {
  HuffmanCode code;
  if (!read_description(from, code)) return false;
  if (code.longest == 0) {
    std::memset(symbols, static_cast<int>(code.first), count);
    return true;
  }
  std::uint32_t sizes[kStreams] = {};
  Bytes streams[kStreams] = {};
  for (std::size_t s = 0; s < stream_count(count); ++s)
    if (!from.number(3, sizes[s])) return false;
  for (std::size_t s = 0; s < stream_count(count); ++s) {
    streams[s].size = sizes[s];
    if (!from.take(sizes[s], streams[s].data)) return false;
  }
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) return decode_bmi2(code, streams, symbols, count, tables);
#endif
  static_cast<void>(path);
  return decode_portable(code, streams, symbols, count, tables);
}

}  // namespace weighbridge
