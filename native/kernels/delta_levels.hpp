// Levels: what tells how far an element is from its prediction before it is known, and which code it has so.
//
// A step of training moves the weights of a row by about the same distance, and what is that in units of an element's
// last place depends on its exponent. So runs of elements get a label by how far they moved, label 0 where nothing did;
// the label, in half octaves, less twice the class of the prediction, its exponent, is the level of an element. Levels
// that follow each other share a context.
#pragma once
#include "delta_words.hpp"
#include "tans_lanes.hpp"

namespace weighbridge {

constexpr unsigned kMostLabels = 15;  // beside label 0
constexpr unsigned kMostClasses = 32;

// How labels and classes name contexts.
struct DeltaLevels {
  unsigned labels, step;     // labels that follow each other are so many half octaves apart
  unsigned contexts;
  unsigned lowest, classes;  // a class counts from the lowest; what is beyond is as the lowest or the highest
  std::uint8_t bounds[kTansContexts];  // the lowest level of contexts 1, 2 …

  unsigned level(unsigned label, unsigned class_index) const {
    return step * (label - 1) + 2 * (classes - 1 - class_index);
  }
};

// The context of every class, by label.
struct ContextRows {
  alignas(32) std::uint8_t of[kMostLabels + 1][kMostClasses];
};
void fill_rows(const DeltaLevels& levels, ContextRows& rows);

// Contexts of `count` elements of a run with this label, times 2^shift, and up to 15 values after them.
void name_contexts(const DeltaKind& kind, const DeltaLevels& levels, const ContextRows& rows, unsigned label,
                   const std::uint8_t* predicted, std::size_t count, unsigned shift, std::uint16_t* contexts, Path path);

// Labels of runs of `length` elements from how far they moved (0: not at all; one at least did), and levels that suit.
void plan_levels(const DeltaKind& kind, const std::uint16_t* activity, std::size_t elements, std::size_t length,
                 const std::uint8_t* predicted, std::uint8_t* labels, DeltaLevels& levels);

}  // namespace weighbridge
