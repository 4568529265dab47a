#include <algorithm>

#include "delta_levels.hpp"

namespace weighbridge {
namespace {

// ---- labels

constexpr std::size_t kOneLabel = 8192, kCoarseLabels = 65536;  // elements below which labels cost more than they gain
constexpr unsigned kActivities = 512;

// The lowest of `labels` neighbouring steps that have the most runs.
unsigned best_window(const std::uint32_t runs[kActivities], unsigned labels, unsigned step) {
  std::uint32_t most = 0;
  unsigned best = 0;
  for (unsigned first = 0; first + labels * step <= kActivities; ++first) {
    std::uint32_t inside = 0;
    for (unsigned a = first; a < first + labels * step; ++a) inside += runs[a];
    if (inside > most) {
      most = inside;
      best = first;
    }
  }
  return best;
}

struct Labels {
  unsigned count, step, first;  // of `count` labels, the lowest stands for activities `first` … first + step - 1

  unsigned of(unsigned activity) const {
    if (activity == 0) return 0;
    const unsigned above = activity < first ? 0 : (activity - first) / step;
    return 1 + std::min(above, count - 1);
  }
};

Labels choose_labels(const std::uint16_t* activity, std::size_t runs, std::size_t elements) {
  std::uint32_t seen[kActivities] = {};
  unsigned lowest = kActivities - 1, highest = 1;
  for (std::size_t i = 0; i < runs; ++i) {
    const unsigned a = std::min<unsigned>(activity[i], kActivities - 1);
    if (a == 0) continue;
    ++seen[a];
    lowest = std::min(lowest, a);
    highest = std::max(highest, a);
  }
  if (elements < kOneLabel) return {1, 1, highest};
  const unsigned step = elements < kCoarseLabels ? 2 : 1, needed = (highest - lowest) / step + 1;
  if (needed <= kMostLabels) return {needed, step, lowest};
  return {kMostLabels, step, best_window(seen, kMostLabels, step)};
}

// ---- classes

using ClassCounts = std::uint32_t[kMostLabels + 1][256];

constexpr std::size_t kCountAll = 65536, kSampled = 4;  // of parts longer than this, every fourth element tells enough

template <typename Word>
void count_classes(const DeltaKind& kind, const std::uint8_t* labels, std::size_t elements, std::size_t length,
                   const std::uint8_t* predicted, ClassCounts& seen) {
  const WordClass<Word> class_of(kind);
  const std::size_t stride = elements > kCountAll ? kSampled : 1;
  for (std::size_t start = 0, run = 0; start < elements; start += length, ++run) {
    if (labels[run] == 0) continue;
    std::uint32_t* of = seen[labels[run]];
    const std::size_t end = std::min(start + length, elements);
    for (std::size_t i = start; i < end; i += stride) ++of[class_of(load_le<Word>(predicted + i * sizeof(Word)))];
  }
}

void count_any(const DeltaKind& kind, const std::uint8_t* labels, std::size_t elements, std::size_t length,
               const std::uint8_t* predicted, ClassCounts& seen) {
  if (kind.width == 1) return count_classes<std::uint8_t>(kind, labels, elements, length, predicted, seen);
  if (kind.width == 2) return count_classes<std::uint16_t>(kind, labels, elements, length, predicted, seen);
  if (kind.width == 4) return count_classes<std::uint32_t>(kind, labels, elements, length, predicted, seen);
  count_classes<std::uint64_t>(kind, labels, elements, length, predicted, seen);
}

// Neighbouring classes, 32 at most, that have the most elements.
void choose_classes(const ClassCounts& seen, DeltaLevels& levels) {
  std::uint32_t total[256] = {}, most = 0;
  unsigned lowest = 255, highest = 0;
  for (unsigned k = 0; k < 256; ++k) {
    for (unsigned label = 1; label <= levels.labels; ++label) total[k] += seen[label][k];
    if (total[k] == 0) continue;
    lowest = std::min(lowest, k);
    highest = std::max(highest, k);
  }
  levels.lowest = lowest;
  levels.classes = std::min(highest - lowest + 1, kMostClasses);
  for (unsigned first = lowest; first + levels.classes <= highest + 1; ++first) {
    std::uint32_t inside = 0;
    for (unsigned k = first; k < first + levels.classes; ++k) inside += total[k];
    if (inside <= most) continue;
    most = inside;
    levels.lowest = first;
  }
}

// ---- levels

constexpr unsigned kLevels = 2 * (kMostLabels - 1) + 2 * (kMostClasses - 1) + 1;
static_assert(kLevels <= 256, "a bound is a byte");

struct Level {
  unsigned first;  // levels from here to that of the next
  std::uint32_t count;
};

// Puts the level with the fewest elements to the smaller of its neighbours; returns how many levels are left.
unsigned merge_smallest(Level* levels, unsigned count, unsigned smallest) {
  const bool down = smallest + 1 == count || (smallest > 0 && levels[smallest - 1].count < levels[smallest + 1].count);
  const unsigned first = down ? smallest - 1 : smallest;
  levels[first].count += levels[first + 1].count;
  std::copy(levels + first + 2, levels + count, levels + first + 1);
  return count - 1;
}

void choose_contexts(const ClassCounts& seen, DeltaLevels& chosen) {
  std::uint32_t at_level[kLevels] = {}, total = 0;
  for (unsigned label = 1; label <= chosen.labels; ++label)
    for (unsigned k = 0; k < 256; ++k) {
      const unsigned within = k < chosen.lowest ? 0 : std::min(k - chosen.lowest, chosen.classes - 1);
      at_level[chosen.level(label, within)] += seen[label][k];
      total += seen[label][k];
    }
  Level levels[kLevels];
  unsigned count = 0;
  for (unsigned v = 0; v < kLevels; ++v)
    if (at_level[v] != 0) levels[count++] = {v, at_level[v]};
  const std::uint32_t few = std::max<std::uint32_t>(256, total / 256);
  while (count > 1) {
    const auto by_count = [](const Level& a, const Level& b) { return a.count < b.count; };
    const auto smallest = static_cast<unsigned>(std::min_element(levels, levels + count, by_count) - levels);
    if (count <= kTansContexts && levels[smallest].count >= few) break;
    count = merge_smallest(levels, count, smallest);
  }
  chosen.contexts = count;
  for (unsigned c = 1; c < count; ++c) chosen.bounds[c - 1] = static_cast<std::uint8_t>(levels[c].first);
}

}  // namespace

void plan_levels(const DeltaKind& kind, const std::uint16_t* activity, std::size_t elements, std::size_t length,
                 const std::uint8_t* predicted, std::uint8_t* labels, DeltaLevels& levels) {
  const std::size_t runs = (elements + length - 1) / length;
  const Labels chosen = choose_labels(activity, runs, elements);
  for (std::size_t run = 0; run < runs; ++run) labels[run] = static_cast<std::uint8_t>(chosen.of(activity[run]));
  levels.labels = chosen.count;
  levels.step = chosen.step;
  ClassCounts seen = {};
  count_any(kind, labels, elements, length, predicted, seen);
  choose_classes(seen, levels);
  choose_contexts(seen, levels);
}

}  // namespace weighbridge
