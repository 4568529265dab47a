#include <algorithm>

#include "float_block_format.hpp"

namespace weighbridge {
namespace {

// ---- cutting a block into parts

constexpr std::size_t kChunk = 4096;     // elements looked at together; parts begin and end between chunks
constexpr std::size_t kFewWords = 1024;  // at the end are not worth a part of their own
constexpr unsigned kZerosApart = 3;      // a change of so many trailing zero bits begins a new part
constexpr std::size_t kRun =
    384;  // runs are made about so long: half as long costs labels, twice as long loses 0.2 % of bf16
constexpr std::size_t kUnknownRun = 256;
constexpr std::size_t kFewSymbols = 4096;  // fewer are one cluster

struct Part {
  std::size_t start, count;
  Survey survey;
};

unsigned common_zeros(const Survey& survey, const Format& format) {
  return trailing_zeros(survey.any | (std::uint64_t{1} << format.mantissa_bits));
}

std::size_t run_length(std::size_t row) {
  if (row == 0) return kUnknownRun;
  if (row <= kRun) return row * std::max<std::size_t>(1, kRun / 2 / row);
  if (row < kRun + kRun / 2) return row;
  const std::size_t pieces = (row + kRun / 2) / kRun;
  for (std::size_t off = 0; off <= pieces / 2; ++off) {
    if (row % (pieces + off) == 0) return row / (pieces + off);
    if (row % (pieces - off) == 0) return row / (pieces - off);
  }
  return row / pieces;
}

// How long a part that starts here may be, so that it ends with a run.
std::size_t part_limit(std::size_t start, std::size_t run, std::size_t offset) {
  return kMaxPart - (start + kMaxPart + offset) % run;
}

// The longest stretch from `start` whose chunks have the same nature.
Part next_part(const Format& format, Bytes raw, std::size_t start, std::size_t limit, Path path) {
  const std::size_t end = std::min(raw.size / format.width, start + limit);
  Part part{start, 0, {}};
  unsigned least = 0, most = 0;
  while (start + part.count < end) {
    const std::size_t at = start + part.count, size = std::min(kChunk, end - at);
    const std::uint8_t* words = raw.data + at * format.width;
    const Survey chunk = survey_words(format.width, format.mantissa_bits, words, size, path);
    const unsigned zeros = common_zeros(chunk, format);
    if (part.count == 0) {
      part.survey = chunk;
      least = most = zeros;
    } else if (size < kFewWords && !part.survey.same) {
      part.survey.add(chunk);
    } else if (part.survey.same || chunk.same) {
      const bool extends =
          part.survey.same && chunk.same && std::memcmp(words, raw.data + start * format.width, format.width) == 0;
      if (!extends) break;
    } else {
      least = std::min(least, zeros);
      most = std::max(most, zeros);
      if (most - least >= kZerosApart) break;
      part.survey.add(chunk);
    }
    part.count += size;
  }
  return part;
}

// The layout that keeps most mantissa bits in the symbol, up to the format's own number. `fits` is false if the
// exponents span too much for a byte, which only those of fp64 can.
WordLayout choose_layout(const Format& format, const Survey& survey, bool& fits) {
  WordLayout layout{format.width, format.mantissa_bits, common_zeros(survey, format), 0, 0};
  for (unsigned kept = std::min(format.kept, format.mantissa_bits - layout.zeros);; --kept) {
    const unsigned down = format.mantissa_bits - kept;
    const std::uint64_t zero_end = std::uint64_t{1} << kept, largest = survey.largest >> down;
    const std::uint64_t normal = std::uint64_t{1} << format.mantissa_bits;
    const std::uint64_t smallest = survey.smallest == ~0ull ? zero_end : (survey.smallest + normal) >> down;
    layout.kept = kept;
    layout.gap = largest < 256 ? 0 : static_cast<std::uint32_t>(smallest - zero_end);
    fits = largest < zero_end || largest - layout.gap < 256;
    if (fits || kept == 0) return layout;
  }
}

// ---- encoding

// Samples one line of 64 bytes in each 1024; true if coding would save more than a fiftieth.
bool plane_compresses(const std::uint8_t* plane, std::size_t count, Clusters& clusters) {
  std::fill_n(&clusters.tables[0][0], kTables * 256, 0u);
  std::size_t sampled = 0;
  for (std::size_t at = 0; at < count; at += 1024) {
    const std::size_t size = std::min<std::size_t>(64, count - at);
    count_bytes(plane + at, size, clusters.tables);
    sampled += size;
  }
  std::uint32_t* sum = clusters.tables[0];
  std::uint64_t seen = 0;
  for (unsigned s = 0; s < 256; ++s) {
    for (unsigned t = 1; t < kTables; ++t) sum[s] += clusters.tables[t][s];
    seen += sum[s] != 0;
  }
  return entropy_bits(sum, 0, 255) + seen < sampled * 8 * 49 / 50;  // seen: what a small sample underestimates
}

// Writes the plane where it may overlap `to`, at or after it: a coded one is made in the scratch first.
void encode_plane(const std::uint8_t* plane, std::size_t count, Writer& to, EncodeScratch& scratch, Path path) {
  if (plane_compresses(plane, count, scratch.clusters)) {
    cluster_runs(plane, {count, count, count}, true, scratch.clusters, path);
    build_code(scratch.clusters.counts[0], kMaxCodeLength, scratch.codes[0]);
    const std::uint64_t bits = coded_bits(scratch.codes[0], scratch.clusters.counts[0]);
    if (sequence_size(scratch.codes[0], count, bits) < count) {
      Writer coded(scratch.ordered);
      encode_sequence(scratch.codes[0], {plane, count}, coded, path);
      to.number(1, kCoded);
      return to.bytes(scratch.ordered, static_cast<std::size_t>(coded.at() - scratch.ordered));
    }
  }
  to.number(1, kPlain);
  std::memmove(to.at(), plane, count);
  to.skip(count);
}

// Planes were split to their places as if all were plain; those that compress are coded, and all moved up.
void write_planes(const WordLayout& layout, const Fields& fields, std::size_t count, Writer& to, EncodeScratch& scratch,
                  Path path) {
  const std::size_t packed = packed_size(count, layout.leftover());
  for (unsigned p = 0; p < layout.planes(); ++p) encode_plane(fields.planes[p], count, to, scratch, path);
  std::memmove(to.at(), fields.packed, packed);
  to.skip(packed);
}

void write_labels(const Runs& runs, const Clusters& clusters, Writer& to) {
  const unsigned bits = label_bits(clusters.count);
  std::uint32_t held = 0;
  unsigned used = 0;
  for (std::size_t r = 0; r < runs.count(); ++r) {
    held |= static_cast<std::uint32_t>(clusters.label[r]) << used;
    used += bits;
    if (used >= 8) {
      to.number(1, held & 0xff);
      held >>= 8;
      used -= 8;
    }
  }
  if (used != 0) to.number(1, held);
}

// Runs of the same cluster brought together, clusters in order.
void order_runs(const std::uint8_t* symbols, const Runs& runs, const Clusters& clusters, std::uint8_t* ordered) {
  std::uint8_t* next[kMaxClusters];
  for (unsigned c = 0; c < clusters.count; ++c) {
    next[c] = ordered;
    ordered += clusters.size[c];
  }
  for (std::size_t r = 0; r < runs.count(); ++r) {
    std::uint8_t*& to = next[clusters.label[r]];
    std::memcpy(to, symbols + runs.start(r), runs.size(r));
    to += runs.size(r);
  }
}

// Codes of all clusters, and about how many bytes the symbols will take with them.
std::size_t build_codes(const Runs& runs, EncodeScratch& scratch) {
  Clusters& clusters = scratch.clusters;
  std::size_t size = 5 + (runs.count() * label_bits(clusters.count) + 7) / 8;
  for (unsigned c = 0; c < clusters.count; ++c) {
    const std::uint64_t entropy = entropy_bits(clusters.counts[c], 0, 255);
    const unsigned limit = entropy < 4 * clusters.size[c] ? 11 : 12;  // short codes fit more symbols in a look-up
    build_code(clusters.counts[c], limit, scratch.codes[c]);
    size += sequence_size(scratch.codes[c], clusters.size[c], coded_bits(scratch.codes[c], clusters.counts[c]));
  }
  return size;
}

// The symbols of each cluster stand together in `scratch.ordered`, or in `symbols` where there is only one cluster.
void write_symbols(const std::uint8_t* symbols, const Runs& runs, Writer& to, EncodeScratch& scratch, Path path) {
  const Clusters& clusters = scratch.clusters;
  to.number(1, clusters.count);
  if (clusters.count == 1) return encode_sequence(scratch.codes[0], {symbols, runs.symbols}, to, path);
  to.number(2, runs.length);
  to.number(2, runs.first);
  write_labels(runs, clusters, to);
  const std::uint8_t* ordered = scratch.ordered;
  for (unsigned c = 0; c < clusters.count; ++c) {
    encode_sequence(scratch.codes[c], {ordered, clusters.size[c]}, to, path);
    ordered += clusters.size[c];
  }
}

void cluster_symbols(const std::uint8_t* symbols, const Runs& runs, EncodeScratch& scratch, Path path) {
  Clusters& clusters = scratch.clusters;
  cluster_runs(symbols, runs, runs.symbols < kFewSymbols || runs.count() > kMaxRuns, clusters, path);
  if (clusters.count == 1) return count_missing({symbols, runs.symbols}, clusters.counts[0], path);
  order_runs(symbols, runs, clusters, scratch.ordered);
  const std::uint8_t* ordered = scratch.ordered;
  for (unsigned c = 0; c < clusters.count; ++c) {
    count_missing({ordered, clusters.size[c]}, clusters.counts[c], path);
    ordered += clusters.size[c];
  }
}

// False, with something else written, if the symbols do not take less than `budget` bytes.
bool encode_symbols(const std::uint8_t* symbols, const Runs& runs, std::size_t budget, Writer& to,
                    EncodeScratch& scratch, Path path) {
  cluster_symbols(symbols, runs, scratch, path);
  if (build_codes(runs, scratch) >= budget) return false;
  const std::uint8_t* start = to.at();
  write_symbols(symbols, runs, to, scratch, path);
  return static_cast<std::size_t>(to.at() - start) < budget;  // a sample may have promised too much
}

bool encode_bytes(const std::uint8_t* raw, const Runs& runs, Writer& to, EncodeScratch& scratch, Path path) {
  const Writer header = to;
  to.number(1, kFields);
  to.number(4, runs.symbols);
  if (encode_symbols(raw, runs, runs.symbols, to, scratch, path)) return true;
  to = header;
  return false;
}

bool encode_words(const Format& format, const std::uint8_t* raw, const Survey& survey, const Runs& runs, Writer& to,
                  EncodeScratch& scratch, Path path) {
  const std::size_t count = runs.symbols;
  bool fits = false;
  const WordLayout layout = choose_layout(format, survey, fits);
  if (!fits) return false;
  const Writer header = to;
  to.number(1, kFields);
  to.number(4, count);
  to.number(1, layout.zeros);
  to.number(1, layout.kept);
  to.number(2, layout.gap);
  Fields fields{scratch.symbols, {}, nullptr};
  std::uint8_t* at = to.at();
  for (unsigned p = 0; p < layout.planes(); ++p, at += 1 + count) fields.planes[p] = at + 1;
  fields.packed = at;
  split_words(layout, raw, count, fields, path);
  write_planes(layout, fields, count, to, scratch, path);
  const auto written = static_cast<std::size_t>(to.at() - header.at());
  const std::size_t plain = count * format.width;
  if (written < plain && encode_symbols(scratch.symbols, runs, plain - written, to, scratch, path)) return true;
  to = header;
  return false;
}

void write_plain_part(Form form, const std::uint8_t* raw, std::size_t count, std::size_t width, Writer& to) {
  to.number(1, form);
  to.number(4, count);
  to.bytes(raw, form == kRepeated ? width : count * width);
}

}  // namespace

unsigned kind_width(Kind kind) { return format_of(kind).width; }

// Before a part is found not to shrink and stored, its symbols may have taken kMaxCodeLength bits each.
std::size_t encode_bound(std::size_t size) {
  const std::size_t tables = kMaxClusters * (kMaxDescription + kOvershoot);
  const std::size_t symbols = (std::min(size, kMaxPart) / 8 + 1) * kMaxCodeLength + tables;
  return size + 8 * (size / kChunk + 4) + 256 + 2 * kOvershoot + symbols;
}

std::size_t encode_block(Kind kind, Bytes raw, Rows rows, std::uint8_t* block, EncodeScratch& scratch, Path path) {
  const Format& format = format_of(kind);
  Writer to(block);
  to.number(1, kVersion);
  to.number(1, static_cast<unsigned>(kind));
  const std::size_t run = std::min<std::size_t>(run_length(rows.length), 65535), count = raw.size / format.width;
  for (std::size_t start = 0; start < count;) {
    const std::size_t limit = part_limit(start, run, rows.offset);
    const Part part =
        is_whole(format) ? Part{start, std::min(limit, count - start), {}} : next_part(format, raw, start, limit, path);
    const std::uint8_t* words = raw.data + start * format.width;
    const Runs runs{run, run - (rows.offset + start) % run, part.count};
    bool coded = false;
    if (is_whole(format)) {
      coded = encode_bytes(words, runs, to, scratch, path);
    } else if (part.survey.same) {
      write_plain_part(kRepeated, words, part.count, format.width, to);
      coded = true;
    } else {
      coded = encode_words(format, words, part.survey, runs, to, scratch, path);
    }
    if (!coded) write_plain_part(kStored, words, part.count, format.width, to);
    start += part.count;
  }
  return static_cast<std::size_t>(to.at() - block);
}

}  // namespace weighbridge
