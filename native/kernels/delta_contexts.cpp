#include "delta_contexts.hpp"

#include <algorithm>

namespace weighbridge {

ContextPositions first_positions(const ContextCounts& counts, unsigned contexts, unsigned lanes) {
  ContextPositions positions{};
  std::uint32_t at = 0;
  for (unsigned c = 0; c < contexts; ++c)
    for (unsigned lane = 0; lane < lanes; ++lane) {
      positions.of[lane][c] = at;
      at += counts.of[c][lane];
    }
  return positions;
}

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
  int activity(unsigned label) const { return static_cast<int>(first + (label - 1) * step); }
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
  if (needed <= kMaxLabels) return {needed, step, lowest};
  return {kMaxLabels, step, best_window(seen, kMaxLabels, step)};
}

// ---- levels: how far an element of a label and a class may be from its prediction, in half octaves

constexpr int kLevels = 1280, kNoLevel = 640;

int level_of(const DeltaKind& kind, int activity, unsigned symbol_class) {
  const int exponent = kind.is_float() ? static_cast<int>(std::min(std::max(symbol_class, 1u), 150u)) : 0;
  return kNoLevel + activity - 2 * exponent;
}

struct Level {
  int last;  // levels from that of the one before on
  std::uint32_t count;
};

// Puts the level with the fewest elements to the smaller of its neighbours; returns how many levels are left.
unsigned merge_smallest(Level* levels, unsigned count, unsigned smallest) {
  const bool down = smallest + 1 == count || (smallest > 0 && levels[smallest - 1].count < levels[smallest + 1].count);
  const unsigned first = down ? smallest - 1 : smallest;
  levels[first] = {levels[first + 1].last, levels[first].count + levels[first + 1].count};
  std::copy(levels + first + 2, levels + count, levels + first + 1);
  return count - 1;
}

unsigned choose_levels(const std::uint32_t seen[kLevels], Level levels[kLevels]) {
  unsigned count = 0;
  std::uint32_t total = 0;
  for (int v = 0; v < kLevels; ++v) {
    if (seen[v] == 0) continue;
    levels[count++] = {v, seen[v]};
    total += seen[v];
  }
  const std::uint32_t few = std::max<std::uint32_t>(256, total / 256);
  while (count > 1) {
    const auto by_count = [](const Level& a, const Level& b) { return a.count < b.count; };
    const auto smallest = static_cast<unsigned>(std::min_element(levels, levels + count, by_count) - levels);
    if (count <= kMaxContexts && levels[smallest].count >= few) break;
    count = merge_smallest(levels, count, smallest);
  }
  return count;
}

template <typename Word>
void count_classes(const DeltaKind& kind, const DeltaRuns& runs, const std::uint8_t* labels,
                   const std::uint8_t* predicted, PlanScratch& scratch) {
  const WordClass<Word> class_of(kind);
  for (unsigned lane = 0; lane < runs.lanes; ++lane) {
    for (std::size_t run = runs.lane_start(lane); run < runs.lane_start(lane + 1); ++run) {
      if (labels[run] == 0) continue;
      std::uint32_t* seen = scratch.seen[lane][labels[run]];
      const std::uint8_t* from = predicted + run * runs.length * sizeof(Word);
      const std::size_t size = runs.size(run);
      for (std::size_t i = 0; i < size; ++i) ++seen[class_of(load_le<Word>(from + i * sizeof(Word)))];
    }
  }
}

void count_any(const DeltaKind& kind, const DeltaRuns& runs, const std::uint8_t* labels, const std::uint8_t* predicted,
               PlanScratch& scratch) {
  if (kind.width == 1) return count_classes<std::uint8_t>(kind, runs, labels, predicted, scratch);
  if (kind.width == 2) return count_classes<std::uint16_t>(kind, runs, labels, predicted, scratch);
  if (kind.width == 4) return count_classes<std::uint32_t>(kind, runs, labels, predicted, scratch);
  count_classes<std::uint64_t>(kind, runs, labels, predicted, scratch);
}

void choose_map(const DeltaKind& kind, const Labels& labels, unsigned lanes, const PlanScratch& scratch,
                DeltaPlan& plan) {
  std::uint32_t seen[kLevels] = {};
  plan.lowest_class = 255;
  plan.highest_class = 0;
  for (unsigned label = 1; label <= labels.count; ++label)
    for (unsigned k = 0; k < 256; ++k) {
      std::uint32_t count = 0;
      for (unsigned lane = 0; lane < lanes; ++lane) count += scratch.seen[lane][label][k];
      if (count == 0) continue;
      seen[level_of(kind, labels.activity(label), k)] += count;
      plan.lowest_class = std::min(plan.lowest_class, k);
      plan.highest_class = std::max(plan.highest_class, k);
    }
  Level levels[kLevels];
  plan.contexts = choose_levels(seen, levels);
  plan.counts = {};
  for (unsigned label = 1; label <= labels.count; ++label)
    for (unsigned k = 0; k < 256; ++k) {
      const int level = level_of(kind, labels.activity(label), std::clamp(k, plan.lowest_class, plan.highest_class));
      unsigned context = 0;
      while (context + 1 < plan.contexts && level > levels[context].last) ++context;
      plan.map.of[label][k] = static_cast<std::uint8_t>(context);
      for (unsigned lane = 0; lane < lanes; ++lane) plan.counts.of[context][lane] += scratch.seen[lane][label][k];
    }
}

// ---- sorting

struct Lane {
  std::size_t run, end;
  std::uint32_t* position;

  // On to the next run that moved.
  WEIGHBRIDGE_INLINE void settle(const std::uint8_t* labels) {
    while (run < end && labels[run] == 0) ++run;
  }
};

// What is done to an element: `sorted` is the one of its context that is next.
struct Gather {
  const std::uint8_t* words;
  std::uint8_t* sorted;

  template <typename Word>
  WEIGHBRIDGE_INLINE void move(std::size_t element, std::size_t place) const {
    store_le(sorted + place * sizeof(Word), load_le<Word>(words + element * sizeof(Word)));
  }
};
struct Scatter {
  const std::uint8_t* sorted;
  std::uint8_t* words;

  template <typename Word>
  WEIGHBRIDGE_INLINE void move(std::size_t element, std::size_t place) const {
    store_le(words + element * sizeof(Word), load_le<Word>(sorted + place * sizeof(Word)));
  }
};

template <typename Word, typename Move>
struct Sorter {
  WordClass<Word> class_of;
  DeltaRuns runs;
  const std::uint8_t* labels;
  const ContextMap& map;
  const std::uint8_t* predicted;
  Move mover;

  WEIGHBRIDGE_INLINE void one(std::uint32_t* position, std::size_t element, const std::uint8_t* context) const {
    const Word guess = load_le<Word>(predicted + element * sizeof(Word));
    mover.template move<Word>(element, position[context[class_of(guess)]]++);
  }

  WEIGHBRIDGE_INLINE void run(Lane& lane) const {
    const std::uint8_t* context = map.of[labels[lane.run]];
    const std::size_t size = runs.size(lane.run), start = lane.run++ * runs.length;
    for (std::size_t i = start; i < start + size; ++i) one(lane.position, i, context);
  }

  // Four runs side by side, so that no element waits for where the one before it was put.
  WEIGHBRIDGE_INLINE void four(Lane* lanes) const {
    static_assert(kMaxLanes == 4, "the lanes below are written out");
    const std::uint8_t* context[kMaxLanes];
    std::size_t start[kMaxLanes];
    for (unsigned k = 0; k < kMaxLanes; ++k) {
      context[k] = map.of[labels[lanes[k].run]];
      start[k] = lanes[k].run++ * runs.length;
    }
    std::uint32_t *a = lanes[0].position, *b = lanes[1].position, *c = lanes[2].position, *d = lanes[3].position;
    for (std::size_t i = 0, length = runs.length; i < length; ++i) {
      one(a, start[0] + i, context[0]);
      one(b, start[1] + i, context[1]);
      one(c, start[2] + i, context[2]);
      one(d, start[3] + i, context[3]);
    }
  }

  WEIGHBRIDGE_INLINE void all(ContextPositions& positions) const {
    Lane lanes[kMaxLanes];
    for (unsigned k = 0; k < runs.lanes; ++k) {
      lanes[k] = {runs.lane_start(k), runs.lane_start(k + 1), positions.of[k]};
      lanes[k].settle(labels);
    }
    while (runs.lanes == kMaxLanes && ready(lanes)) {
      four(lanes);
      for (Lane& lane : lanes) lane.settle(labels);
    }
    for (unsigned k = 0; k < runs.lanes; ++k)
      for (; lanes[k].run < lanes[k].end; lanes[k].settle(labels)) run(lanes[k]);
  }

  // Whether every lane has a run of full length to do.
  WEIGHBRIDGE_INLINE bool ready(const Lane* lanes) const {
    for (unsigned k = 0; k < kMaxLanes; ++k)
      if (lanes[k].run >= lanes[k].end || runs.size(lanes[k].run) != runs.length) return false;
    return true;
  }
};

template <typename Move>
WEIGHBRIDGE_INLINE void sort_any(const DeltaKind& kind, const DeltaRuns& runs, const std::uint8_t* labels,
                                 const ContextMap& map, const std::uint8_t* predicted, Move move,
                                 ContextPositions& positions) {
  if (kind.width == 1) return Sorter<std::uint8_t, Move>{WordClass<std::uint8_t>(kind), runs, labels, map, predicted, move}.all(positions);
  if (kind.width == 2) return Sorter<std::uint16_t, Move>{WordClass<std::uint16_t>(kind), runs, labels, map, predicted, move}.all(positions);
  if (kind.width == 4) return Sorter<std::uint32_t, Move>{WordClass<std::uint32_t>(kind), runs, labels, map, predicted, move}.all(positions);
  Sorter<std::uint64_t, Move>{WordClass<std::uint64_t>(kind), runs, labels, map, predicted, move}.all(positions);
}

#if defined(WEIGHBRIDGE_X86)
template <typename Move>
WEIGHBRIDGE_AVX2 void sort_avx2(const DeltaKind& kind, const DeltaRuns& runs, const std::uint8_t* labels,
                                const ContextMap& map, const std::uint8_t* predicted, Move move,
                                ContextPositions& positions) {
  sort_any(kind, runs, labels, map, predicted, move, positions);
}
#endif

template <typename Move>
void sort_words(const DeltaKind& kind, const DeltaRuns& runs, const std::uint8_t* labels, const ContextMap& map,
                const std::uint8_t* predicted, Move move, ContextPositions& positions, Path path) {
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) return sort_avx2(kind, runs, labels, map, predicted, move, positions);
#endif
  static_cast<void>(path);
  sort_any(kind, runs, labels, map, predicted, move, positions);
}

}  // namespace

void plan_contexts(const DeltaKind& kind, const DeltaRuns& runs, const std::uint16_t* activity,
                   const std::uint8_t* predicted, std::uint8_t* labels, DeltaPlan& plan, PlanScratch& scratch) {
  const Labels chosen = choose_labels(activity, runs.count(), runs.elements);
  for (std::size_t run = 0; run < runs.count(); ++run) labels[run] = static_cast<std::uint8_t>(chosen.of(activity[run]));
  plan.labels = chosen.count;
  for (unsigned lane = 0; lane < runs.lanes; ++lane)
    std::fill(&scratch.seen[lane][1][0], &scratch.seen[lane][chosen.count][255] + 1, 0u);
  count_any(kind, runs, labels, predicted, scratch);
  choose_map(kind, chosen, runs.lanes, scratch, plan);
}

void gather_contexts(const DeltaKind& kind, const DeltaRuns& runs, const std::uint8_t* labels, const ContextMap& map,
                     const std::uint8_t* predicted, const std::uint8_t* words, ContextPositions& positions,
                     std::uint8_t* sorted, Path path) {
  sort_words(kind, runs, labels, map, predicted, Gather{words, sorted}, positions, path);
}

void scatter_contexts(const DeltaKind& kind, const DeltaRuns& runs, const std::uint8_t* labels, const ContextMap& map,
                      const std::uint8_t* predicted, const std::uint8_t* sorted, ContextPositions& positions,
                      std::uint8_t* words, Path path) {
  std::memset(words, 0, runs.elements * kind.width);
  sort_words(kind, runs, labels, map, predicted, Scatter{sorted, words}, positions, path);
}

}  // namespace weighbridge
