#include "run_clusters.hpp"

#include <algorithm>
#include <array>
#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>
#endif

namespace weighbridge {
namespace {

constexpr unsigned kLogSteps = 10, kLogScale = 12;  // log2 of n: 1024 steps per octave, in units of 2^-12

// floor(log2(1 + (i + 1/2) / 1024) * 2^12), by repeated squaring of a number in [1, 2) held in 2^-30 units.
constexpr std::array<std::uint16_t, 1u << kLogSteps> log_table() {
  std::array<std::uint16_t, 1u << kLogSteps> table{};
  for (std::uint64_t i = 0; i < table.size(); ++i) {
    std::uint64_t x = (std::uint64_t{1} << 30) + ((2 * i + 1) << (29 - kLogSteps));
    unsigned log = 0;
    for (unsigned bit = 0; bit < kLogScale; ++bit) {
      x = (x * x) >> 30;
      const bool over = x >= std::uint64_t{2} << 30;
      log = 2 * log + over;
      x >>= over;
    }
    table[i] = static_cast<std::uint16_t>(log);
  }
  return table;
}
constexpr auto kLog = log_table();

// n log2 n, in units of 2^-12 bits.
std::uint64_t n_log_n(std::uint32_t n) {
  if (n < 2) return 0;
  const unsigned octave = 63 - leading_zeros(n);
  const std::uint32_t below = n - (1u << octave);
  const std::uint32_t step = octave >= kLogSteps ? below >> (octave - kLogSteps) : below << (kLogSteps - octave);
  return std::uint64_t{n} * ((std::uint64_t{octave} << kLogScale) + (below == 0 ? 0 : kLog[step]));
}

constexpr std::size_t kLine = 32;                // symbols counted together
constexpr std::uint32_t kSampleStep = 4;         // one line in so many is counted,
constexpr std::size_t kSampledFrom = 1u << 16;   // of parts with so many symbols
constexpr std::size_t kSetStep = 256;             // symbols looked up together in a set
constexpr std::int64_t kUnit = 1 << kLogScale;
constexpr std::int64_t kTableBits = 8 * (2 + 15 + 4);  // description's ends, stream sizes and their last bytes
constexpr std::int64_t kTableWork = 8 * 25;            // what a table must save to be worth making and reading

struct Bin {
  std::uint32_t* counts;
  std::int64_t cost;    // of its symbols and its table, in 2^-12 bits
  std::int64_t merged;  // cost of this bin and the next one as one
  unsigned last;        // the bins merged into this one end here
};

struct Range {
  unsigned first, last;
};

std::int64_t cost(const std::uint32_t* a, const std::uint32_t* b, Range range) {
  std::uint64_t parts = 0, first = range.last, last = range.first;
  std::uint32_t total = 0;
  for (unsigned s = range.first; s <= range.last; ++s) {
    const std::uint32_t n = a[s] + (b == nullptr ? 0 : b[s]);
    if (n == 0) continue;
    total += n;
    parts += n_log_n(n);
    first = std::min<std::uint64_t>(first, s);
    last = s;
  }
  const std::int64_t table = kTableBits + kTableWork + 2 * static_cast<std::int64_t>(last - first + 1);
  return static_cast<std::int64_t>(n_log_n(total) - parts) + table * kUnit;
}

WEIGHBRIDGE_INLINE std::uint32_t sum_inline(const std::uint8_t* bytes, std::size_t size) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += bytes[i];
  return sum;
}

#if defined(WEIGHBRIDGE_X86)
WEIGHBRIDGE_AVX2 std::uint32_t sum_avx2(const std::uint8_t* bytes, std::size_t size) { return sum_inline(bytes, size); }
#endif

std::uint32_t sum_bytes(const std::uint8_t* bytes, std::size_t size, Path path) {
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) return sum_avx2(bytes, size);
#endif
  static_cast<void>(path);
  return sum_inline(bytes, size);
}

// Gives each run the number of its bin, by the rank of its mean in sixteenths of a symbol, and lists runs by bin.
void bin_runs(const std::uint8_t* symbols, const Runs& runs, unsigned bins, Clusters& clusters, Path path) {
  const std::size_t count = runs.count();
  std::uint32_t below[4097] = {};
  std::uint16_t* mean = clusters.mean;
  for (std::size_t r = 0; r < count; ++r) {
    const std::size_t size = runs.size(r);
    mean[r] = static_cast<std::uint16_t>(sum_bytes(symbols + runs.start(r), size, path) * std::uint64_t{16} / size);
    ++below[mean[r] + 1];
  }
  for (unsigned m = 0; m < 4096; ++m) below[m + 1] += below[m];
  for (std::size_t r = 0; r < count; ++r)
    clusters.label[r] = static_cast<std::uint8_t>(below[mean[r]] * std::uint64_t{bins} / count);
  for (std::size_t r = 0; r < count; ++r) clusters.order[below[mean[r]]++] = static_cast<std::uint16_t>(r);
}

// Moves what was counted in several tables into one, `scale` times.
void collect(std::uint32_t tables[kTables][256], std::uint32_t scale, std::uint32_t sum[256]) {
  for (unsigned s = 0; s < 256; ++s) {
    std::uint32_t seen = 0;
    for (unsigned t = 0; t < kTables; ++t) seen += tables[t][s];
    sum[s] = seen * scale;
  }
  std::fill_n(&tables[0][0], kTables * 256, 0u);
}

// Counts one line of symbols in each `step`; in which place differs from run to run, since columns may differ.
void count_lines(const std::uint8_t* symbols, std::size_t size, std::size_t run, std::size_t step, Clusters& clusters) {
  const std::size_t first = run % step * kLine;
  for (std::size_t at = first < size ? first : 0; at < size; at += step * kLine)
    count_bytes(symbols + at, std::min(kLine, size - at), clusters.tables);
}

// Counts runs bin by bin, so that the counts stay in the nearest cache: of long parts, a sample. Returns how many bins
// hold something.
unsigned count_bins(const std::uint8_t* symbols, const Runs& runs, Clusters& clusters, Bin list[kBins]) {
  unsigned n = 0;
  const std::uint32_t step = runs.symbols < kSampledFrom ? 1 : kSampleStep;
  std::fill_n(&clusters.tables[0][0], kTables * 256, 0u);
  for (std::size_t k = 0; k < runs.count(); ++k) {
    const std::size_t r = clusters.order[k];
    const unsigned bin = clusters.label[r];
    count_lines(symbols + runs.start(r), runs.size(r), r, step, clusters);
    if (k + 1 < runs.count() && clusters.label[clusters.order[k + 1]] == bin) continue;
    collect(clusters.tables, step, clusters.bins[bin]);
    list[n++] = {clusters.bins[bin], 0, 0, bin};
  }
  return n;
}

Range used_range(const Bin list[kBins], unsigned n) {
  Range range{255, 0};
  for (unsigned b = 0; b < n; ++b)
    for (unsigned s = 0; s < 256; ++s)
      if (list[b].counts[s] != 0) range = {std::min(range.first, s), std::max(range.last, s)};
  return range;
}

void merge_with_next(Bin list[kBins], unsigned& n, unsigned at, Range range) {
  for (unsigned s = 0; s < 256; ++s) list[at].counts[s] += list[at + 1].counts[s];
  list[at].cost = list[at].merged;
  list[at].last = list[at + 1].last;
  std::copy(list + at + 2, list + n, list + at + 1);
  --n;
  if (at + 1 < n) list[at].merged = cost(list[at].counts, list[at + 1].counts, range);
  if (at > 0) list[at - 1].merged = cost(list[at - 1].counts, list[at].counts, range);
}

std::int64_t loss(const Bin list[kBins], unsigned at) { return list[at].merged - list[at].cost - list[at + 1].cost; }

// Merges while it pays, counting the bits of labels that fewer clusters save.
void merge_bins(Bin list[kBins], unsigned& n, std::size_t runs) {
  const Range range = used_range(list, n);
  for (unsigned b = 0; b < n; ++b) list[b].cost = cost(list[b].counts, nullptr, range);
  for (unsigned b = 0; b + 1 < n; ++b) list[b].merged = cost(list[b].counts, list[b + 1].counts, range);
  while (n > 1) {
    unsigned best = 0;
    for (unsigned b = 1; b + 1 < n; ++b)
      if (loss(list, b) < loss(list, best)) best = b;
    // A label saves 1 bit only at powers of two; the saving is spread over the merges that lead there.
    const std::int64_t labels =
        static_cast<std::int64_t>(runs) * kUnit * (n > 2 ? 2 : 1) / static_cast<std::int64_t>(n);
    if (n <= kMaxClusters && loss(list, best) > labels) break;
    merge_with_next(list, n, best, range);
  }
}

// ---- symbols that a sample missed

// Symbols as a set: symbol s is bit s mod 8 of byte s / 8.
struct SymbolSet {
  std::uint8_t bytes[32] = {};

  explicit SymbolSet(const std::uint32_t counts[256]) {
    for (unsigned s = 0; s < 256; ++s)
      if (counts[s] != 0) add(static_cast<std::uint8_t>(s));
  }
  bool has(std::uint8_t symbol) const { return ((bytes[symbol >> 3] >> (symbol & 7)) & 1) != 0; }
  void add(std::uint8_t symbol) {
    bytes[symbol >> 3] = static_cast<std::uint8_t>(bytes[symbol >> 3] | 1u << (symbol & 7));
  }
};

bool has_all(const SymbolSet& set, const std::uint8_t* symbols, std::size_t size) {
  return std::all_of(symbols, symbols + size, [&set](std::uint8_t symbol) { return set.has(symbol); });
}

#if defined(WEIGHBRIDGE_X86)
// As above for kSetStep symbols: 32 at a time, the byte of the set that tells of each is looked up, and its bit.
WEIGHBRIDGE_AVX2 bool has_all_avx2(const SymbolSet& set, const std::uint8_t* symbols) {
  const __m256i whole = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(set.bytes));
  const __m256i low = _mm256_permute2x128_si256(whole, whole, 0x00), nibble = _mm256_set1_epi8(15);
  const __m256i high = _mm256_permute2x128_si256(whole, whole, 0x11);
  const __m256i bits = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201u)), seven = _mm256_set1_epi8(7);
  __m256i missing = _mm256_setzero_si256();
  for (std::size_t i = 0; i < kSetStep; i += 32) {
    const __m256i s = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(symbols + i));
    const __m256i at = _mm256_and_si256(_mm256_srli_epi16(s, 3), nibble);
    const __m256i byte = _mm256_blendv_epi8(_mm256_shuffle_epi8(low, at), _mm256_shuffle_epi8(high, at), s);
    const __m256i bit = _mm256_shuffle_epi8(bits, _mm256_and_si256(s, seven));
    missing = _mm256_or_si256(missing, _mm256_andnot_si256(byte, bit));
  }
  return _mm256_testz_si256(missing, missing) != 0;
}
#endif

bool step_has_all(const SymbolSet& set, const std::uint8_t* symbols, Path path) {
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) return has_all_avx2(set, symbols);
#endif
  static_cast<void>(path);
  return has_all(set, symbols, kSetStep);
}

void total_counts(const std::uint8_t* symbols, std::size_t size, Clusters& clusters) {
  std::fill_n(&clusters.tables[0][0], kTables * 256, 0u);
  count_bytes(symbols, size, clusters.tables);
  collect(clusters.tables, 1, clusters.counts[0]);
  clusters.count = 1;
  clusters.size[0] = size;
}

}  // namespace

std::uint64_t entropy_bits(const std::uint32_t counts[256], unsigned first, unsigned last) {
  std::uint64_t parts = 0;
  std::uint32_t total = 0;
  for (unsigned s = first; s <= last; ++s) {
    total += counts[s];
    parts += n_log_n(counts[s]);
  }
  return (n_log_n(total) - std::min(parts, n_log_n(total))) >> kLogScale;
}

void count_bytes(const std::uint8_t* bytes, std::size_t size, std::uint32_t tables[kTables][256]) {
  std::size_t i = 0;
  for (; i + kTables <= size; i += kTables) {
    const std::uint64_t eight = load_le<std::uint64_t>(bytes + i);
    for (unsigned k = 0; k < kTables; ++k) ++tables[k][(eight >> (8 * k)) & 0xff];
  }
  for (; i < size; ++i) ++tables[0][bytes[i]];
}

void count_missing(Bytes symbols, std::uint32_t counts[256], Path path) {
  SymbolSet set(counts);
  for (std::size_t at = 0; at < symbols.size; at += kSetStep) {
    const std::uint8_t* step = symbols.data + at;
    const std::size_t size = std::min(kSetStep, symbols.size - at);
    if (size == kSetStep ? step_has_all(set, step, path) : has_all(set, step, size)) continue;
    for (std::size_t i = 0; i < size; ++i) {
      if (set.has(step[i])) continue;
      set.add(step[i]);
      counts[step[i]] = 1;
    }
  }
}

void cluster_runs(const std::uint8_t* symbols, const Runs& runs, bool single, Clusters& clusters, Path path) {
  const std::size_t count = runs.count();
  if (single || count < 4) return total_counts(symbols, runs.symbols, clusters);
  const unsigned bins = count < kBins ? static_cast<unsigned>(count) : kBins;
  bin_runs(symbols, runs, bins, clusters, path);
  Bin list[kBins];
  unsigned n = count_bins(symbols, runs, clusters, list);
  merge_bins(list, n, count);
  std::uint8_t cluster_of[kBins] = {};
  for (unsigned c = 0, b = 0; c < n; ++c) {
    std::copy_n(list[c].counts, 256, clusters.counts[c]);
    clusters.size[c] = 0;
    for (; b <= list[c].last; ++b) cluster_of[b] = static_cast<std::uint8_t>(c);
  }
  clusters.count = n;
  for (std::size_t r = 0; r < count; ++r) {
    clusters.label[r] = cluster_of[clusters.label[r]];
    clusters.size[clusters.label[r]] += runs.size(r);
  }
}

}  // namespace weighbridge
