#include <algorithm>

#include "delta_sorted.hpp"

namespace weighbridge {
namespace {

struct PartPlan {
  unsigned zeros, labels, contexts, lowest_class, highest_class;
  ContextMap map;
  ContextCounts counts;
};

bool read_sizes(Reader& from, const DeltaKind& kind, DeltaRuns& runs, PartPlan& plan) {
  std::uint32_t zeros, length, lanes, labels, contexts, lowest, highest;
  if (!from.number(1, zeros) || !from.number(2, length) || !from.number(1, lanes) || !from.number(1, labels) ||
      !from.number(1, contexts) || !from.number(1, lowest) || !from.number(1, highest))
    return false;
  plan.zeros = zeros;
  plan.labels = labels;
  plan.contexts = contexts;
  plan.lowest_class = lowest;
  plan.highest_class = highest;
  runs.length = length;
  runs.lanes = lanes;
  return zeros <= kind.mantissa_bits && length >= 1 && (lanes == 1 || lanes == kMaxLanes) && labels >= 1 &&
         labels <= kMaxLabels && contexts >= 1 && contexts <= kMaxContexts && lowest <= highest;
}

bool read_map(Reader& from, PartPlan& plan) {
  const unsigned classes = plan.highest_class - plan.lowest_class + 1;
  const std::uint8_t* packed;
  if (!from.take((plan.labels * classes + 1) / 2, packed)) return false;
  unsigned at = 0;
  for (unsigned label = 1; label <= plan.labels; ++label) {
    std::uint8_t* of = plan.map.of[label];
    for (unsigned k = plan.lowest_class; k <= plan.highest_class; ++k, ++at) {
      of[k] = static_cast<std::uint8_t>((packed[at / 2] >> (4 * (at & 1))) & 15);
      if (of[k] >= plan.contexts) return false;
    }
    std::fill(of, of + plan.lowest_class, of[plan.lowest_class]);
    std::fill(of + plan.highest_class, of + 256, of[plan.highest_class]);
  }
  return (at & 1) == 0 || (packed[at / 2] >> 4) == 0;
}

// Elements of runs that moved, or more than a part has if a label is none.
std::size_t moved_elements(const DeltaRuns& runs, const std::uint8_t* labels, unsigned most) {
  std::size_t moved = 0;
  for (std::size_t run = 0; run < runs.count(); ++run) {
    if (labels[run] > most) return kMaxDeltaPart + 1;
    if (labels[run] != 0) moved += runs.size(run);
  }
  return moved;
}

bool read_counts(Reader& from, const DeltaRuns& runs, PartPlan& plan, std::size_t moved) {
  std::size_t total = 0;
  for (unsigned c = 0; c < plan.contexts; ++c)
    for (unsigned lane = 0; lane < runs.lanes; ++lane) {
      if (!from.number(3, plan.counts.of[c][lane])) return false;
      total += plan.counts.of[c][lane];
    }
  return total == moved;
}

bool read_contexts(Reader& from, const DeltaKind& kind, const DeltaRuns& runs, const PartPlan& plan,
                   SortedDecodeScratch& scratch, Path path) {
  std::uint8_t* words = scratch.sorted;
  for (unsigned c = 0; c < plan.contexts; ++c) {
    std::size_t count = 0;
    for (unsigned lane = 0; lane < runs.lanes; ++lane) count += plan.counts.of[c][lane];
    if (count == 0) continue;
    if (!decode_grouped(from, scratch.symbols, count, Pieces(scratch.memory.bytes), scratch.tables, path)) return false;
    if (!join_symbols(kind.width, scratch.symbols, count, from, words, path)) return false;
    words += count * kind.width;
  }
  return true;
}

// Whether every context was left where the next one begins.
bool all_taken(const DeltaRuns& runs, const PartPlan& plan, const ContextPositions& positions) {
  ContextPositions ends = first_positions(plan.counts, plan.contexts, runs.lanes);
  for (unsigned lane = 0; lane < runs.lanes; ++lane)
    for (unsigned c = 0; c < plan.contexts; ++c)
      if (positions.of[lane][c] != ends.of[lane][c] + plan.counts.of[c][lane]) return false;
  return true;
}

}  // namespace

DeltaFault decode_sorted(const DeltaKind& kind, Reader& from, const std::uint8_t* predicted, std::size_t count,
                         std::uint8_t* raw, SortedDecodeScratch& scratch, Path path) {
  DeltaRuns runs{count, 0, 0};
  PartPlan plan;
  if (!read_sizes(from, kind, runs, plan) || !read_map(from, plan)) return DeltaFault::contexts;
  if (!decode_grouped(from, scratch.labels, runs.count(), Pieces(scratch.memory.bytes), scratch.tables, path))
    return DeltaFault::labels;
  const std::size_t moved = moved_elements(runs, scratch.labels, plan.labels);
  if (moved > kMaxDeltaPart) return DeltaFault::labels;
  if (!read_counts(from, runs, plan, moved)) return DeltaFault::counts;
  if (!read_contexts(from, kind, runs, plan, scratch, path)) return DeltaFault::symbols;
  ContextPositions positions = first_positions(plan.counts, plan.contexts, runs.lanes);
  scatter_contexts(kind, runs, scratch.labels, plan.map, predicted, scratch.sorted, positions, raw);
  if (!all_taken(runs, plan, positions)) return DeltaFault::counts;
  unfold_words(kind, plan.zeros, predicted, count, raw, path);
  return DeltaFault::none;
}

}  // namespace weighbridge
