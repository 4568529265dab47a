#include <algorithm>

#include "delta_coded.hpp"

namespace weighbridge {
namespace {

constexpr std::size_t kChunk = 1024;  // elements whose contexts and symbols stay in the nearest cache
static_assert(kChunk >= kLongestRun, "a run fits");

struct PartHead {
  unsigned zeros, run_log, table_log;
  DeltaLevels levels;
};

bool read_bounds(Reader& from, DeltaLevels& levels) {
  const std::uint8_t* bounds;
  if (!from.take(levels.contexts - 1, bounds)) return false;
  for (unsigned c = 0; c + 1 < levels.contexts; ++c) {
    levels.bounds[c] = bounds[c];
    if (bounds[c] <= (c == 0 ? 0 : bounds[c - 1])) return false;
  }
  return true;
}

DeltaFault read_head(Reader& from, const DeltaKind& kind, PartHead& head) {
  const std::uint8_t* is;
  if (!from.take(8, is)) return DeltaFault::length;
  head = {is[0], is[1], is[2], {is[3], is[4], is[5], is[6], is[7], {}}};
  const DeltaLevels& levels = head.levels;
  const bool sound = head.zeros <= kind.mantissa_bits && head.run_log >= kMinRunLog && head.run_log <= kMaxRunLog &&
                     head.table_log >= kMinTableLog && head.table_log <= kMaxTableLog && levels.labels >= 1 &&
                     levels.labels <= kMostLabels && levels.contexts >= 1 && levels.contexts <= kTansContexts &&
                     levels.classes >= 1 && levels.classes <= kMostClasses && levels.lowest + levels.classes <= 256;
  return sound && read_bounds(from, head.levels) ? DeltaFault::none : DeltaFault::contexts;
}

DeltaFault read_codes(Reader& from, const DeltaKind& kind, const PartHead& head, TansDecodeTables& tables) {
  for (unsigned c = 0; c < head.levels.contexts; ++c) {
    TansCounts counts;
    if (!read_counts(from, head.table_log, counts) || counts.last > highest_bucket(kind.width)) return DeltaFault::counts;
    fill_decode_table(counts, head.table_log, tables.entries + (static_cast<std::size_t>(c) << head.table_log));
  }
  return DeltaFault::none;
}

bool read_streams(Reader& from, Bytes streams[kTansStreams], Bytes& extra) {
  std::uint32_t sizes[kTansStreams + 1];
  for (std::uint32_t& size : sizes)
    if (!from.number(3, size)) return false;
  for (unsigned k = 0; k < kTansStreams; ++k) {
    streams[k].size = sizes[k];
    if (!from.take(sizes[k], streams[k].data)) return false;
  }
  extra.size = sizes[kTansStreams];
  return from.take(extra.size, extra.data);
}

// Elements of a part and what is needed to decode them, a chunk of runs at a time.
struct Elements {
  const DeltaKind& kind;
  const PartHead& head;
  const std::uint8_t *labels, *predicted;
  std::size_t count;
  std::uint8_t* raw;
  Path path;
  ContextRows rows;
  TansDecoder decoder;
  ExtraReader extra;

  std::size_t runs() const { return (count + run_length() - 1) / run_length(); }
  std::size_t run_length() const { return std::size_t{1} << head.run_log; }
  std::size_t size(std::size_t run) const { return std::min(run_length(), count - run * run_length()); }

  void as_predicted(std::size_t run) const {
    const std::size_t at = run * run_length() * kind.width;
    if (head.zeros == 0) return void(std::memcpy(raw + at, predicted + at, size(run) * kind.width));
    std::memset(raw + at, 0, size(run) * kind.width);
    unfold_words(kind, head.zeros, predicted + at, size(run), raw + at, path);
  }

  DeltaFault chunk(std::size_t first, std::size_t end) {
    std::uint16_t places[kChunk + 16];
    std::size_t moved = 0;
    for (std::size_t run = first; run < end; ++run) {
      if (labels[run] == 0) continue;
      name_contexts(kind, head.levels, rows, labels[run], predicted + run * run_length() * kind.width, size(run),
                    head.table_log, places + moved, path);
      moved += size(run);
    }
    if (!decoder.decode(places, moved, path)) return DeltaFault::streams;
    moved = 0;
    for (std::size_t run = first; run < end; ++run) {
      if (labels[run] == 0) {
        as_predicted(run);
        continue;
      }
      const std::size_t at = run * run_length() * kind.width;
      if (!join_run(kind.width, places + moved, size(run), extra, raw + at, path)) return DeltaFault::extra;
      unfold_words(kind, head.zeros, predicted + at, size(run), raw + at, path);
      moved += size(run);
    }
    return DeltaFault::none;
  }

  DeltaFault all() {
    for (std::size_t first = 0, end = 0; first < runs(); first = end) {
      for (std::size_t moved = 0; end < runs() && moved + run_length() <= kChunk; ++end)
        if (labels[end] != 0) moved += run_length();
      if (const DeltaFault fault = chunk(first, end); fault != DeltaFault::none) return fault;
    }
    if (!decoder.finish()) return DeltaFault::streams;
    return extra.finish() ? DeltaFault::none : DeltaFault::extra;
  }
};

}  // namespace

DeltaFault decode_coded(const DeltaKind& kind, Reader& from, const std::uint8_t* predicted, std::size_t count,
                        std::uint8_t* raw, CodedDecodeScratch& scratch, Path path) {
  PartHead head;
  if (const DeltaFault fault = read_head(from, kind, head); fault != DeltaFault::none) return fault;
  const std::size_t runs = (count + (std::size_t{1} << head.run_log) - 1) >> head.run_log;
  if (!decode_grouped(from, scratch.labels, runs, Pieces(scratch.memory.bytes), scratch.label_tables, path) ||
      std::any_of(scratch.labels, scratch.labels + runs, [&](unsigned label) { return label > head.levels.labels; }))
    return DeltaFault::labels;
  if (const DeltaFault fault = read_codes(from, kind, head, scratch.tables); fault != DeltaFault::none) return fault;
  Bytes streams[kTansStreams], extra;
  if (!read_streams(from, streams, extra)) return DeltaFault::length;
  Elements elements{kind, head, scratch.labels, predicted, count, raw, path, {}, {}, {extra}};
  fill_rows(head.levels, elements.rows);
  if (!elements.decoder.begin(scratch.tables, head.table_log, streams)) return DeltaFault::streams;
  return elements.all();
}

}  // namespace weighbridge
