// A part of a residual whose differences are sorted by context, each context with a grouped sequence of symbols and their
// extra bits: form 2 of codec 6's specification, which writers made before form 3 (delta_coded).
#pragma once
#include "delta_contexts.hpp"
#include "delta_fault.hpp"
#include "delta_symbols.hpp"
#include "grouped_sequence.hpp"

namespace weighbridge {

struct SortedDecodeScratch {
  std::uint8_t sorted[2 * 8 * kMaxDeltaPart + kOvershoot];
  std::uint8_t symbols[kMaxDeltaPart + kOvershoot];
  std::uint8_t labels[kMaxDeltaPart + kOvershoot];
  GroupMemory<kMaxDeltaPart> memory;
  DecodeTables tables;
};

DeltaFault decode_sorted(const DeltaKind& kind, Reader& from, const std::uint8_t* predicted, std::size_t count,
                         std::uint8_t* raw, SortedDecodeScratch& scratch, Path path);

}  // namespace weighbridge
