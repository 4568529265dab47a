// Runs of symbols sorted into clusters that are each worth a code of their own.
//
// Rows of a weight matrix differ in scale, and so in the mean of their exponents. Runs are put in order of their
// mean symbol, cut into equal bins, and neighbouring bins are merged while that costs least, so long as the code
// table that is saved is worth more than the bits that are lost.
#pragma once
#include "bytes.hpp"

namespace weighbridge {

constexpr unsigned kMaxClusters = 16;
constexpr unsigned kBins = 32;
constexpr unsigned kTables = 8;
constexpr std::size_t kMaxRuns = 2048;

// Symbols cut into runs of `length`, except that the first one has `first` symbols (1 … length) and the last
// one what is left.
struct Runs {
  std::size_t length, first, symbols;

  std::size_t count() const { return symbols <= first ? 1 : 1 + (symbols - first + length - 1) / length; }
  std::size_t start(std::size_t run) const { return run == 0 ? 0 : first + (run - 1) * length; }
  std::size_t size(std::size_t run) const {
    const std::size_t end = first + run * length;
    return (end < symbols ? end : symbols) - start(run);
  }
};

struct Clusters {
  unsigned count = 1;
  std::uint8_t label[kMaxRuns];
  std::size_t size[kMaxClusters];  // symbols
  std::uint32_t counts[kMaxClusters][256];
  std::uint16_t mean[kMaxRuns];   // of each run's symbols, times 16
  std::uint16_t order[kMaxRuns];  // runs by bin
  std::uint32_t bins[kBins][256];
  std::uint32_t tables[kTables][256];
};

// Bits in a label: 0 for one cluster.
inline unsigned label_bits(unsigned clusters) {
  unsigned bits = 0;
  while ((1u << bits) < clusters) ++bits;
  return bits;
}

// At most kMaxRuns runs. With `single` all are one cluster. Counts of several clusters in a long part are those of a
// sample, scaled: a symbol that occurs may have none until `count_missing` was told of all symbols of its cluster.
void cluster_runs(const std::uint8_t* symbols, const Runs& runs, bool single, Clusters& clusters, Path path);

// Gives every symbol that occurs and has no count the count of one.
void count_missing(Bytes symbols, std::uint32_t counts[256], Path path);

// Bits of the order-0 entropy of `counts`, which sum to less than 2^20; symbols first … last only.
std::uint64_t entropy_bits(const std::uint32_t counts[256], unsigned first, unsigned last);

// Adds the bytes to eight tables in turn, which hides the delay between one addition to a count and the next.
void count_bytes(const std::uint8_t* bytes, std::size_t size, std::uint32_t tables[kTables][256]);

}  // namespace weighbridge
