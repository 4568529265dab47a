// Contexts of form 2: the label of a run and the class of a prediction name the context whose code an element has, and
// elements are sorted by it. Label 0: nothing moved. Form 3 is what writers make; see delta_levels.
#pragma once
#include "delta_words.hpp"

namespace weighbridge {

constexpr unsigned kMaxLabels = 15;  // beside label 0
constexpr unsigned kMaxContexts = 16;
constexpr unsigned kMaxLanes = 4;

// A part's elements cut into runs, and the runs in lanes that are placed side by side.
struct DeltaRuns {
  std::size_t elements, length;
  unsigned lanes;

  std::size_t count() const { return (elements + length - 1) / length; }
  std::size_t size(std::size_t run) const {
    const std::size_t start = run * length;
    return elements - start < length ? elements - start : length;
  }
  std::size_t lane_start(unsigned lane) const {
    const std::size_t share = (count() + lanes - 1) / lanes;
    return share * lane < count() ? share * lane : count();
  }
};

struct ContextMap {
  std::uint8_t of[kMaxLabels + 1][256];  // by label and class
};

struct ContextCounts {
  std::uint32_t of[kMaxContexts][kMaxLanes];
};

// Where in each lane the next element of every context lies.
struct ContextPositions {
  std::uint32_t of[kMaxLanes][kMaxContexts];
};

// Elements of a context lie together, in order.
ContextPositions first_positions(const ContextCounts& counts, unsigned contexts, unsigned lanes);

// Words that were sorted by context, back in their places; positions are moved on. Words of runs that did not move become
// 0. `sorted` must hold twice the elements of the part.
void scatter_contexts(const DeltaKind& kind, const DeltaRuns& runs, const std::uint8_t* labels, const ContextMap& map,
                      const std::uint8_t* predicted, const std::uint8_t* sorted, ContextPositions& positions,
                      std::uint8_t* words);

}  // namespace weighbridge
