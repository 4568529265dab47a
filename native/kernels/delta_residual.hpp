// What is left of a block once its prediction is taken away, packed; the specification of codec 6 states every byte.
//
// A block is cut into parts. A part is its prediction, or stored, or differences in one of two forms.
#pragma once
#include "delta_coded.hpp"
#include "delta_sorted.hpp"

namespace weighbridge {

struct DeltaEncodeScratch {
  CodedEncodeScratch coded;
  std::uint8_t part[kMaxCodedPart];
};

struct DeltaDecodeScratch {
  SortedDecodeScratch sorted;
  CodedDecodeScratch coded;
};

// Bytes that must be writable for `encode_residual` of `size` bytes.
std::size_t residual_bound(std::size_t size);

// `raw` and `predicted` have `size` bytes, a whole number of elements. Returns the size of the residual.
std::size_t encode_residual(unsigned kind, const std::uint8_t* raw, const std::uint8_t* predicted, std::size_t size,
                            std::uint8_t* residual, DeltaEncodeScratch& scratch, Path path);

// `raw` must be filled exactly. `version` is that of the codec: a residual of version 1 has none of the forms of version 2.
constexpr unsigned kDeltaVersion = 2;
DeltaFault decode_residual(unsigned version, unsigned kind, Bytes residual, const std::uint8_t* predicted, std::size_t size,
                           std::uint8_t* raw, DeltaDecodeScratch& scratch, Path path);

}  // namespace weighbridge
