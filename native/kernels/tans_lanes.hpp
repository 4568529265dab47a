// Symbols coded each with the code of its context, by eight states side by side that share two streams.
//
// Symbol i belongs to state i mod 8; states 0 … 3 read one stream, 4 … 7 the other. So no look-up waits for the one
// before it, and neighbours in a stream follow each other without a table of sizes. An encoder goes backwards, and what it
// starts from, state 0 everywhere, is what a decoder must arrive at.
#pragma once
#include "tans_code.hpp"

namespace weighbridge {

constexpr unsigned kTansContexts = 16;  // most codes
constexpr unsigned kTansStates = 8, kTansStreams = 2;
constexpr std::size_t kTansSlack = 16;  // bytes before a stream that may be written, and must exist

// Most bytes of one of the two streams of `count` symbols.
constexpr std::size_t tans_stream_bound(std::size_t count) {
  return ((count + kTansStates) / 2 + 4 + kTansStates) * kMaxTableLog / 8 + 8;
}

// ---- encoding

struct TansEncodeTables {
  TansSymbol symbols[kTansContexts << 8];
  std::uint16_t states[kTansContexts << kMaxTableLog];
};

// The bytes of both streams, at the end of the memory that they were given.
struct TansStreams {
  Bytes stream[kTansStreams];
};

// `keys`: context · 256 + symbol of each. Memory: tans_stream_bound(count) + kTansSlack bytes each.
TansStreams encode_tans(const TansEncodeTables& tables, unsigned log, const std::uint16_t* keys, std::size_t count,
                        std::uint8_t* const memory[kTansStreams], Path path);

// ---- decoding

struct TansDecodeTables {
  TansEntry entries[kTansContexts << kMaxTableLog];
};

// Where a stream is read. Its last bytes are read from a copy with zeros after it.
struct TansSource {
  std::uint64_t bits;        // the next ones, lowest first; the highest one set is a mark, no data
  const std::uint8_t* at;    // where `bits` was loaded from
  const std::uint8_t* last;  // up to here, as many bytes follow as eight steps may look at
  const std::uint8_t* end;
  std::uint8_t tail[48];
};

struct TansDecoder {
  const TansEntry* entries;
  unsigned log;
  TansSource source[kTansStreams];
  std::size_t states[kTansStates];

  // False if a stream has not even a beginning.
  bool begin(const TansDecodeTables& tables, unsigned table_log, const Bytes streams[kTansStreams]);
  // `places`: context · 2^log of each, which symbol · 256 and something below replace. Only the last call may have a count
  // that is no multiple of eight. False once a stream is at its end too early.
  bool decode(std::uint16_t* places, std::size_t count, Path path);
  // Whether all streams and states are where they should be in the end.
  bool finish() const;
};

}  // namespace weighbridge
