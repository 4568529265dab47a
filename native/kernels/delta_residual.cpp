#include "delta_residual.hpp"

#include <algorithm>

namespace weighbridge {
namespace {

enum DeltaForm : unsigned { kAsPredicted = 0, kAsItIs = 1, kSorted = 2, kCoded = 3 };

constexpr std::size_t kPartHead = 1 + 4;

void write_part(const DeltaKind& kind, const std::uint8_t* raw, const std::uint8_t* predicted, std::size_t count,
                DeltaEncodeScratch& scratch, Writer& to, Path path) {
  const std::size_t raw_size = count * kind.width;
  const bool same = std::memcmp(raw, predicted, raw_size) == 0;
  Writer part(scratch.part);
  const bool coded = !same && encode_coded(kind, raw, predicted, count, part, scratch.coded, path);
  const auto size = static_cast<std::size_t>(part.at() - scratch.part);
  const bool stored = !same && (!coded || size >= raw_size);
  to.number(1, same ? kAsPredicted : stored ? kAsItIs : kCoded);
  to.number(4, count);
  to.bytes(stored ? raw : scratch.part, stored ? raw_size : size);
}

DeltaFault read_part(Reader& from, unsigned highest_form, const DeltaKind& kind, const std::uint8_t* predicted,
                     std::size_t left, std::size_t& count, std::uint8_t* raw, DeltaDecodeScratch& scratch, Path path) {
  std::uint32_t form, elements;
  if (!from.number(1, form) || !from.number(4, elements)) return DeltaFault::length;
  if (form > highest_form) return DeltaFault::form;
  if (elements == 0 || elements > left) return DeltaFault::part;
  count = elements;
  if ((form == kSorted || form == kCoded) && count > kMaxDeltaPart) return DeltaFault::part;
  if (form == kSorted) return decode_sorted(kind, from, predicted, count, raw, scratch.sorted, path);
  if (form == kCoded) return decode_coded(kind, from, predicted, count, raw, scratch.coded, path);
  const std::uint8_t* source = predicted;
  if (form == kAsItIs && !from.take(count * kind.width, source)) return DeltaFault::length;
  std::memcpy(raw, source, count * kind.width);
  return DeltaFault::none;
}

}  // namespace

std::size_t residual_bound(std::size_t size) { return size + kPartHead * (size / kMaxDeltaPart + 1); }

std::size_t encode_residual(unsigned kind, const std::uint8_t* raw, const std::uint8_t* predicted, std::size_t size,
                            std::uint8_t* residual, DeltaEncodeScratch& scratch, Path path) {
  const DeltaKind& read_as = kDeltaKind[kind];
  Writer to(residual);
  const std::size_t elements = size / read_as.width;
  for (std::size_t start = 0; start < elements; start += kMaxDeltaPart) {
    const std::size_t at = start * read_as.width;
    write_part(read_as, raw + at, predicted + at, std::min(kMaxDeltaPart, elements - start), scratch, to, path);
  }
  return static_cast<std::size_t>(to.at() - residual);
}

DeltaFault decode_residual(unsigned version, unsigned kind, Bytes residual, const std::uint8_t* predicted,
                           std::size_t size, std::uint8_t* raw, DeltaDecodeScratch& scratch, Path path) {
  const DeltaKind& read_as = kDeltaKind[kind];
  const unsigned highest_form = version == 1 ? kSorted : kCoded;
  Reader from(residual);
  const std::size_t elements = size / read_as.width;
  for (std::size_t done = 0, count = 0; done < elements; done += count) {
    const std::size_t at = done * read_as.width;
    const DeltaFault fault =
        read_part(from, highest_form, read_as, predicted + at, elements - done, count, raw + at, scratch, path);
    if (fault != DeltaFault::none) return fault;
  }
  return from.left() == 0 ? DeltaFault::none : DeltaFault::trailing;
}

}  // namespace weighbridge
