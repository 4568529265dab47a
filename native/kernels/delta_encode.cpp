#include <algorithm>

#include "delta_residual.hpp"

namespace weighbridge {
namespace {

constexpr std::size_t kPartHead = 1 + 4;
constexpr std::size_t kManyRuns = 256;  // from here on, four lanes

void write_map(const DeltaPlan& plan, Writer& to) {
  unsigned held = 0, used = 0;
  for (unsigned label = 1; label <= plan.labels; ++label)
    for (unsigned k = plan.lowest_class; k <= plan.highest_class; ++k) {
      held |= static_cast<unsigned>(plan.map.of[label][k]) << used;
      used ^= 4;
      if (used != 0) continue;
      to.number(1, held);
      held = 0;
    }
  if (used != 0) to.number(1, held);
}

void write_plan(const DeltaPlan& plan, const DeltaRuns& runs, unsigned zeros, const std::uint8_t* labels,
                DeltaEncodeScratch& scratch, Writer& to, Path path) {
  to.number(1, zeros);
  to.number(2, runs.length);
  to.number(1, runs.lanes);
  to.number(1, plan.labels);
  to.number(1, plan.contexts);
  to.number(1, plan.lowest_class);
  to.number(1, plan.highest_class);
  write_map(plan, to);
  encode_grouped({labels, runs.count()}, to, Pieces(scratch.memory.bytes), path);
  for (unsigned c = 0; c < plan.contexts; ++c)
    for (unsigned lane = 0; lane < runs.lanes; ++lane) to.number(3, plan.counts.of[c][lane]);
}

void write_contexts(const DeltaKind& kind, const DeltaPlan& plan, const DeltaRuns& runs, DeltaEncodeScratch& scratch,
                    Writer& to, Path path) {
  const std::uint8_t* words = scratch.sorted;
  for (unsigned c = 0; c < plan.contexts; ++c) {
    std::size_t count = 0;
    for (unsigned lane = 0; lane < runs.lanes; ++lane) count += plan.counts.of[c][lane];
    if (count == 0) continue;
    // The extra bits are made first and moved behind the symbols, which come first for the reader.
    Writer extra(scratch.folded);
    split_symbols(kind.width, words, count, scratch.symbols, extra, path);
    encode_grouped({scratch.symbols, count}, to, Pieces(scratch.memory.bytes), path);
    to.bytes(scratch.folded, static_cast<std::size_t>(extra.at() - scratch.folded));
    words += count * kind.width;
  }
}

// Differences, in scratch.part; 0 where all are none.
std::size_t write_differences(const DeltaKind& kind, const std::uint8_t* raw, const std::uint8_t* predicted,
                              std::size_t count, DeltaEncodeScratch& scratch, Path path) {
  const unsigned zeros = common_zeros(kind, raw, count, path);
  DeltaRuns runs{count, kDeltaRun, 1};
  runs.lanes = runs.count() < kManyRuns ? 1 : kMaxLanes;
  fold_words(kind, zeros, raw, predicted, count, runs.length, scratch.folded, scratch.activity, path);
  if (std::all_of(scratch.activity, scratch.activity + runs.count(), [](std::uint16_t a) { return a == 0; })) return 0;
  DeltaPlan plan;
  plan_contexts(kind, runs, scratch.activity, predicted, scratch.labels, plan, scratch.plan);
  ContextPositions positions = first_positions(plan.counts, plan.contexts, runs.lanes);
  gather_contexts(kind, runs, scratch.labels, plan.map, predicted, scratch.folded, positions, scratch.sorted, path);
  Writer to(scratch.part);
  write_plan(plan, runs, zeros, scratch.labels, scratch, to, path);
  write_contexts(kind, plan, runs, scratch, to, path);
  return static_cast<std::size_t>(to.at() - scratch.part);
}

void write_part(const DeltaKind& kind, const std::uint8_t* raw, const std::uint8_t* predicted, std::size_t count,
                DeltaEncodeScratch& scratch, Writer& to, Path path) {
  const bool same = std::memcmp(raw, predicted, count * kind.width) == 0;
  const std::size_t size = same ? 0 : write_differences(kind, raw, predicted, count, scratch, path);
  const bool stored = !same && (size == 0 || size >= count * kind.width);
  to.number(1, same ? kAsPredicted : stored ? kAsItIs : kDifferences);
  to.number(4, count);
  to.bytes(stored ? raw : scratch.part, stored ? count * kind.width : size);
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

}  // namespace weighbridge
