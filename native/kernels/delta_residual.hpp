// What is left of a block once its prediction is taken away, packed; the specification of codec 6 states every byte.
//
// A block is cut into parts. A part is its prediction, or stored, or differences: sorted by context, each context with
// a sequence of symbols of its own and the extra bits of those.
#pragma once
#include "delta_contexts.hpp"
#include "delta_symbols.hpp"
#include "grouped_sequence.hpp"

namespace weighbridge {

struct DeltaEncodeScratch {
  std::uint8_t folded[8 * kMaxDeltaPart + kOvershoot];
  std::uint8_t sorted[8 * kMaxDeltaPart + kOvershoot];
  std::uint8_t symbols[kMaxDeltaPart + kOvershoot];
  std::uint16_t activity[kMaxDeltaRuns];
  std::uint8_t labels[kMaxDeltaRuns + kOvershoot];
  std::uint8_t part[grouped_bound(kMaxDeltaPart) + (kMaxContexts + 1) * grouped_bound(0) + 8 * kMaxDeltaPart];
  GroupMemory<kMaxDeltaPart> memory;
  PlanScratch plan;
};

struct DeltaDecodeScratch {
  std::uint8_t sorted[2 * 8 * kMaxDeltaPart + kOvershoot];
  std::uint8_t symbols[kMaxDeltaPart + kOvershoot];
  std::uint8_t labels[kMaxDeltaPart + kOvershoot];
  GroupMemory<kMaxDeltaPart> memory;
  DecodeTables tables;
};

// Bytes that must be writable for `encode_residual` of `size` bytes.
std::size_t residual_bound(std::size_t size);

// `raw` and `predicted` have `size` bytes, a whole number of elements. Returns the size of the residual.
std::size_t encode_residual(unsigned kind, const std::uint8_t* raw, const std::uint8_t* predicted, std::size_t size,
                            std::uint8_t* residual, DeltaEncodeScratch& scratch, Path path);

// Why a residual could not be decoded; `none` if it was. `raw` must be filled exactly.
enum class DeltaFault { none, length, part, contexts, labels, counts, symbols, trailing };
DeltaFault decode_residual(unsigned kind, Bytes residual, const std::uint8_t* predicted, std::size_t size,
                           std::uint8_t* raw, DeltaDecodeScratch& scratch, Path path);

// What the writer and the reader of parts agree on.
enum DeltaForm : unsigned { kAsPredicted = 0, kAsItIs = 1, kDifferences = 2 };

}  // namespace weighbridge
