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

struct Lane {
  std::size_t run, end;
  std::uint32_t* position;

  // On to the next run that moved.
  WEIGHBRIDGE_INLINE void settle(const std::uint8_t* labels) {
    while (run < end && labels[run] == 0) ++run;
  }
};

template <typename Word>
struct Scatter {
  WordClass<Word> class_of;
  DeltaRuns runs;
  const std::uint8_t* labels;
  const ContextMap& map;
  const std::uint8_t *predicted, *sorted;
  std::uint8_t* words;

  WEIGHBRIDGE_INLINE void one(std::uint32_t* position, std::size_t element, const std::uint8_t* context) const {
    const Word guess = load_le<Word>(predicted + element * sizeof(Word));
    const std::size_t place = position[context[class_of(guess)]]++;
    store_le(words + element * sizeof(Word), load_le<Word>(sorted + place * sizeof(Word)));
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

template <typename Word>
void scatter_words(const DeltaKind& kind, const DeltaRuns& runs, const std::uint8_t* labels,
                                      const ContextMap& map, const std::uint8_t* predicted, const std::uint8_t* sorted,
                                      ContextPositions& positions, std::uint8_t* words) {
  Scatter<Word>{WordClass<Word>(kind), runs, labels, map, predicted, sorted, words}.all(positions);
}

}  // namespace

void scatter_contexts(const DeltaKind& kind, const DeltaRuns& runs, const std::uint8_t* labels, const ContextMap& map,
                      const std::uint8_t* predicted, const std::uint8_t* sorted, ContextPositions& positions,
                      std::uint8_t* words) {
  std::memset(words, 0, runs.elements * kind.width);
  const auto scatter = kind.width == 1   ? scatter_words<std::uint8_t>
                       : kind.width == 2 ? scatter_words<std::uint16_t>
                       : kind.width == 4 ? scatter_words<std::uint32_t>
                                         : scatter_words<std::uint64_t>;
  scatter(kind, runs, labels, map, predicted, sorted, positions, words);
}

}  // namespace weighbridge
