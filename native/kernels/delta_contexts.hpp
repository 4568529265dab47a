// Contexts: what tells how far an element is from its prediction before it is known.
//
// A step of training moves the weights of a row by about the same distance, and what is that in units of an element's
// last place depends on its exponent. So runs of elements get a label by how far they moved, and the label and the class
// of the prediction (its exponent) name the context whose code an element has. Label 0: nothing moved.
#pragma once
#include "delta_words.hpp"

namespace weighbridge {

constexpr std::size_t kMaxDeltaPart = std::size_t{1} << 19;  // elements
constexpr std::size_t kDeltaRun = 128;                       // elements of a run, as a writer cuts them
constexpr std::size_t kMaxDeltaRuns = kMaxDeltaPart / kDeltaRun;
constexpr unsigned kMaxLabels = 15;  // beside label 0
constexpr unsigned kMaxContexts = 16;
constexpr unsigned kMaxLanes = 4;

// A part's elements cut into runs, and the runs in lanes that are read and written side by side.
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

struct DeltaPlan {
  unsigned labels, contexts, lowest_class, highest_class;
  ContextMap map;
  ContextCounts counts;
};

struct PlanScratch {
  std::uint32_t seen[kMaxLanes][kMaxLabels + 1][256];
};

// Labels of runs from how far they moved (0: not at all; at least one did), and the contexts that suit them.
void plan_contexts(const DeltaKind& kind, const DeltaRuns& runs, const std::uint16_t* activity,
                   const std::uint8_t* predicted, std::uint8_t* labels, DeltaPlan& plan, PlanScratch& scratch);

// Sorts the words of moved runs by context; positions are moved on.
void gather_contexts(const DeltaKind& kind, const DeltaRuns& runs, const std::uint8_t* labels, const ContextMap& map,
                     const std::uint8_t* predicted, const std::uint8_t* words, ContextPositions& positions,
                     std::uint8_t* sorted, Path path);

// The other way; words of runs that did not move become 0. `sorted` must hold twice the elements of the part.
void scatter_contexts(const DeltaKind& kind, const DeltaRuns& runs, const std::uint8_t* labels, const ContextMap& map,
                      const std::uint8_t* predicted, const std::uint8_t* sorted, ContextPositions& positions,
                      std::uint8_t* words, Path path);

}  // namespace weighbridge
