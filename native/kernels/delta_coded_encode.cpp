#include <algorithm>

#include "delta_coded.hpp"

namespace weighbridge {
namespace {

constexpr std::size_t kRun = std::size_t{1} << kRunLog;

// Runs that moved, one after the other: their keys, counted, and their extra bits. Returns how many elements they have.
std::size_t make_keys(const DeltaKind& kind, const DeltaLevels& levels, const std::uint8_t* predicted,
                      std::size_t count, CodedEncodeScratch& scratch, ExtraWriter& extra, Path path) {
  ContextRows rows;
  fill_rows(levels, rows);
  std::size_t moved = 0;
  for (std::size_t start = 0, run = 0; start < count; start += kRun, ++run) {
    if (scratch.labels[run] == 0) continue;
    const std::size_t size = std::min(kRun, count - start), at = start * kind.width;
    std::uint16_t* keys = scratch.keys + moved;
    name_contexts(kind, levels, rows, scratch.labels[run], predicted + at, size, 8, keys, path);
    split_run(kind.width, scratch.folded + at, size, keys, extra, path);
    // Four tables in turn hide the delay between one addition to a count and the next.
    std::size_t i = 0;
    for (; i + 4 <= size; i += 4) {
      ++scratch.seen[0][keys[i]];
      ++scratch.seen[1][keys[i + 1]];
      ++scratch.seen[2][keys[i + 2]];
      ++scratch.seen[3][keys[i + 3]];
    }
    for (; i < size; ++i) ++scratch.seen[0][keys[i]];
    moved += size;
  }
  return moved;
}

unsigned choose_table_log(const DeltaKind& kind, std::size_t moved) {
  static_cast<void>(kind);
  return moved < 4096 ? 8 : 10;
}

void write_codes(const DeltaLevels& levels, unsigned log, CodedEncodeScratch& scratch, Writer& to) {
  for (unsigned c = 0; c < levels.contexts; ++c) {
    std::uint32_t seen[256];
    for (unsigned s = 0; s < 256; ++s) {
      seen[s] = 0;
      for (const auto& table : scratch.seen) seen[s] += table[c << 8 | s];
    }
    TansCounts counts;
    normalise_counts(seen, log, counts);
    write_counts(counts, to);
    fill_encode_table(counts, log, scratch.tables.symbols + (c << 8), scratch.tables.states,
                      static_cast<std::size_t>(c) << log);
  }
}

void write_head(const DeltaLevels& levels, unsigned zeros, unsigned log, Writer& to) {
  to.number(1, zeros);
  to.number(1, kRunLog);
  to.number(1, log);
  to.number(1, levels.labels);
  to.number(1, levels.step);
  to.number(1, levels.contexts);
  to.number(1, levels.lowest);
  to.number(1, levels.classes);
  to.bytes(levels.bounds, levels.contexts - 1);
}

}  // namespace

bool encode_coded(const DeltaKind& kind, const std::uint8_t* raw, const std::uint8_t* predicted, std::size_t count,
                  Writer& to, CodedEncodeScratch& scratch, Path path) {
  const unsigned zeros = common_zeros(kind, raw, count, path);
  const std::size_t runs = (count + kRun - 1) / kRun;
  fold_words(kind, zeros, raw, predicted, count, kRun, scratch.folded, scratch.activity, path);
  if (std::all_of(scratch.activity, scratch.activity + runs, [](std::uint16_t a) { return a == 0; })) return false;
  DeltaLevels levels;
  plan_levels(kind, scratch.activity, count, kRun, predicted, scratch.labels, levels);
  for (auto& table : scratch.seen) std::fill(table, table + (levels.contexts << 8), 0u);
  ExtraWriter extra{scratch.extra};
  const std::size_t moved = make_keys(kind, levels, predicted, count, scratch, extra, path);
  const auto extra_size = static_cast<std::size_t>(extra.at - scratch.extra) + (extra.used != 0);
  if (extra.used != 0) store_le(extra.at, extra.held);
  const unsigned log = choose_table_log(kind, moved);
  write_head(levels, zeros, log, to);
  encode_grouped({scratch.labels, runs}, to, Pieces(scratch.memory.bytes), path);
  write_codes(levels, log, scratch, to);
  std::uint8_t* const memory[kTansStreams] = {scratch.streams[0], scratch.streams[1]};
  const TansStreams coded = encode_tans(scratch.tables, log, scratch.keys, moved, memory, path);
  for (const Bytes& stream : coded.stream) to.number(3, stream.size);
  to.number(3, extra_size);
  for (const Bytes& stream : coded.stream) to.bytes(stream.data, stream.size);
  to.bytes(scratch.extra, extra_size);
  return true;
}

}  // namespace weighbridge
