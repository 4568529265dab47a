// A part of a residual whose differences are coded with states and levels: form 3 of codec 6's specification.
//
// Nothing is sorted. Elements of runs that moved are coded one after the other, each with the code of its context, which
// its prediction and the label of its run name; extra bits are a stream of their own.
#pragma once
#include "delta_buckets.hpp"
#include "delta_fault.hpp"
#include "delta_levels.hpp"
#include "grouped_sequence.hpp"

namespace weighbridge {

constexpr unsigned kRunLog = 7;                              // as a writer cuts runs
constexpr unsigned kMinRunLog = 5, kMaxRunLog = 10;
static_assert(kLongestRun == std::size_t{1} << kMaxRunLog, "a run is split and joined at once");

constexpr std::size_t kMaxDeltaRuns = kMaxDeltaPart >> kMinRunLog;

constexpr std::size_t kTansStreamMemory = tans_stream_bound(kMaxDeltaPart) + kTansSlack;
// Most bytes of a coded part: headers, labels, counts, streams and extra bits.
constexpr std::size_t kMaxCodedPart = 64 + grouped_bound(kMaxDeltaRuns) + kTansContexts * kMaxCountBytes +
                                      2 * kTansStreamMemory + 8 * kMaxDeltaPart;

struct CodedEncodeScratch {
  std::uint8_t folded[8 * kMaxDeltaPart + kOvershoot];
  std::uint8_t extra[8 * kMaxDeltaPart + kOvershoot];
  std::uint16_t keys[kMaxDeltaPart + kOvershoot];
  std::uint16_t activity[kMaxDeltaRuns];
  std::uint8_t labels[kMaxDeltaRuns + kOvershoot];
  std::uint8_t streams[kTansStreams][kTansStreamMemory];
  std::uint32_t seen[4][kTansContexts << 8];
  TansEncodeTables tables;
  GroupMemory<kMaxDeltaRuns> memory;
};

struct CodedDecodeScratch {
  std::uint8_t labels[kMaxDeltaRuns + kOvershoot];
  TansDecodeTables tables;
  DecodeTables label_tables;
  GroupMemory<kMaxDeltaRuns> memory;
};

// Differences of `count` elements; at most kMaxCodedPart bytes. False, and nothing written, where there are none.
bool encode_coded(const DeltaKind& kind, const std::uint8_t* raw, const std::uint8_t* predicted, std::size_t count,
                  Writer& to, CodedEncodeScratch& scratch, Path path);

DeltaFault decode_coded(const DeltaKind& kind, Reader& from, const std::uint8_t* predicted, std::size_t count,
                        std::uint8_t* raw, CodedDecodeScratch& scratch, Path path);

}  // namespace weighbridge
