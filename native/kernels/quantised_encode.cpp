#include "quantised_records.hpp"

namespace weighbridge {
namespace {

constexpr std::uint64_t kTableWork = 8 * 60;  // bits that a code of its own must save, beside its description

template <Quantised F>
WEIGHBRIDGE_INLINE void split_all(const std::uint8_t* records, std::size_t count, const std::uint8_t* context,
                                  std::uint8_t* next[kContexts]) {
  constexpr RecordFormat shape = kRecordFormats[static_cast<unsigned>(F)];
  for (std::size_t r = 0; r < count; ++r, records += shape.record, context += shape.units) {
    std::uint8_t* to[shape.units];
    for (std::size_t u = 0; u < shape.units; ++u) {
      to[u] = next[context[u]];
      next[context[u]] += shape.symbols;
    }
    split_record<F>(records, to);
  }
}

WEIGHBRIDGE_INLINE void split_any(Quantised format, const std::uint8_t* records, std::size_t count,
                                  const std::uint8_t* context, std::uint8_t* next[kContexts]) {
  switch (format) {
    case Quantised::q4_0:
      return split_all<Quantised::q4_0>(records, count, context, next);
    case Quantised::q5_0:
      return split_all<Quantised::q5_0>(records, count, context, next);
    case Quantised::q8_0:
      return split_all<Quantised::q8_0>(records, count, context, next);
    case Quantised::q4_k:
      return split_all<Quantised::q4_k>(records, count, context, next);
    case Quantised::q5_k:
      return split_all<Quantised::q5_k>(records, count, context, next);
    case Quantised::q6_k:
      return split_all<Quantised::q6_k>(records, count, context, next);
    case Quantised::boolean:
      return split_all<Quantised::boolean>(records, count, context, next);
  }
}

#if defined(WEIGHBRIDGE_X86)
WEIGHBRIDGE_AVX2 void split_avx2(Quantised format, const std::uint8_t* records, std::size_t count,
                                 const std::uint8_t* context, std::uint8_t* next[kContexts]) {
  split_any(format, records, count, context, next);
}
#endif

void split(Quantised format, const std::uint8_t* records, std::size_t count, const std::uint8_t* context,
           std::uint8_t* next[kContexts], Path path) {
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) return split_avx2(format, records, count, context, next);
#endif
  static_cast<void>(path);
  split_any(format, records, count, context, next);
}

void count_into(Bytes bytes, std::uint32_t tables[kTables][256], std::uint32_t counts[256]) {
  std::fill_n(&tables[0][0], kTables * 256, 0u);
  count_bytes(bytes.data, bytes.size, tables);
  for (unsigned s = 0; s < 256; ++s) {
    counts[s] = 0;
    for (unsigned t = 0; t < kTables; ++t) counts[s] += tables[t][s];
  }
}

// Bytes that a sequence of these will take; its code becomes number `at`.
std::size_t measure(Bytes bytes, unsigned at, QuantisedScratch& scratch) {
  std::uint32_t counts[256];
  count_into(bytes, scratch.tables, counts);
  build_code(counts, kMaxCodeLength, scratch.codes[at]);
  return sequence_size(scratch.codes[at], bytes.size, coded_bits(scratch.codes[at], counts));
}

// The column's bytes, those of the lowest quarter first; `size` is what each quarter has.
void order_by_quarter(const std::uint8_t* records, std::size_t count, std::size_t record, std::size_t at,
                      std::uint8_t* to, std::size_t size[4]) {
  std::fill_n(size, 4, std::size_t{0});
  for (std::size_t r = 0; r < count; ++r) ++size[records[r * record + at + 1] & 3];
  std::uint8_t* next[4] = {to, to + size[0], to + size[0] + size[1], to + size[0] + size[1] + size[2]};
  for (std::size_t r = 0; r < count; ++r) *next[records[r * record + at + 1] & 3]++ = records[r * record + at];
}

void write_column(const std::uint8_t* records, std::size_t count, std::size_t record, Column column, Writer& to,
                  QuantisedScratch& scratch, Path path) {
  const Bytes bytes{scratch.column, count * column.width};
  for (std::size_t r = 0; r < count; ++r)
    for (unsigned b = 0; b < column.width; ++b)
      scratch.column[r * column.width + b] = records[r * record + column.at + b];
  const std::size_t coded = measure(bytes, 0, scratch);
  std::size_t quarters = bytes.size, size[4];
  if (column.low) {
    order_by_quarter(records, count, record, column.at, scratch.ordered, size);
    quarters = 0;
    for (std::size_t q = 0, at = 0; q < 4; at += size[q++])
      if (size[q] != 0) quarters += measure({scratch.ordered + at, size[q]}, static_cast<unsigned>(1 + q), scratch);
  }
  if (quarters < std::min(coded, bytes.size)) {
    to.number(1, kColumnByQuarter);
    for (std::size_t q = 0, at = 0; q < 4; at += size[q++])
      if (size[q] != 0) encode_sequence(scratch.codes[1 + q], {scratch.ordered + at, size[q]}, to, path);
  } else if (coded < bytes.size) {
    to.number(1, kColumnCoded);
    encode_sequence(scratch.codes[0], bytes, to, path);
  } else {
    to.number(1, kColumnPlain);
    to.bytes(bytes.data, bytes.size);
  }
}

// Neighbouring contexts that share a code.
struct Cluster {
  unsigned first;
  std::size_t size;  // symbols
  std::uint64_t bits;
};

std::uint64_t bits_of(const std::uint32_t counts[256]) {
  unsigned first = 255, last = 0;
  for (unsigned s = 0; s < 256; ++s) {
    if (counts[s] == 0) continue;
    first = std::min(first, s);
    last = s;
  }
  return entropy_bits(counts, first, last) + kTableWork + 2 * (last - first + 1);
}

std::uint64_t bits_together(const std::uint32_t a[256], const std::uint32_t b[256]) {
  std::uint32_t sum[256];
  for (unsigned s = 0; s < 256; ++s) sum[s] = a[s] + b[s];
  return bits_of(sum);
}

// Merges neighbours while that costs least and pays; `counts` of the first context of a cluster become the cluster's.
unsigned merge_contexts(Cluster list[kContexts], unsigned n, std::uint32_t counts[kContexts][256]) {
  std::uint64_t together[kContexts];
  for (unsigned c = 0; c + 1 < n; ++c) together[c] = bits_together(counts[list[c].first], counts[list[c + 1].first]);
  while (n > 1) {
    const auto gain = [&](unsigned c) {
      return static_cast<std::int64_t>(list[c].bits + list[c + 1].bits) - static_cast<std::int64_t>(together[c]);
    };
    unsigned best = 0;
    for (unsigned c = 1; c + 1 < n; ++c)
      if (gain(c) > gain(best)) best = c;
    if (gain(best) < 0) break;
    std::uint32_t* kept = counts[list[best].first];
    for (unsigned s = 0; s < 256; ++s) kept[s] += counts[list[best + 1].first][s];
    list[best].bits = together[best];
    list[best].size += list[best + 1].size;
    std::copy(list + best + 2, list + n, list + best + 1);
    std::copy(together + best + 1, together + n - 1, together + best);
    --n;
    if (best + 1 < n) together[best] = bits_together(kept, counts[list[best + 1].first]);
    if (best > 0) together[best - 1] = bits_together(counts[list[best - 1].first], kept);
  }
  return n;
}

void write_clusters(const Cluster list[kContexts], unsigned n, Writer& to, QuantisedScratch& scratch, Path path) {
  unsigned starts = 1;
  for (unsigned c = 1; c < n; ++c) starts |= 1u << list[c].first;
  to.number(2, starts);
  const std::uint8_t* ordered = scratch.ordered;
  for (unsigned c = 0; c < n; ++c) {
    build_code(scratch.counts[list[c].first], kMaxCodeLength, scratch.codes[c]);
    encode_sequence(scratch.codes[c], {ordered, list[c].size}, to, path);
    ordered += list[c].size;
  }
}

// Bytes that the clusters will take.
std::size_t clusters_size(const Cluster list[kContexts], unsigned n, QuantisedScratch& scratch) {
  std::size_t size = 2;
  for (unsigned c = 0; c < n; ++c) {
    const std::uint32_t* counts = scratch.counts[list[c].first];
    build_code(counts, kMaxCodeLength, scratch.codes[c]);
    size += sequence_size(scratch.codes[c], list[c].size, coded_bits(scratch.codes[c], counts));
  }
  return size;
}

bool only_booleans(Bytes raw) {
  std::uint8_t any = 0;
  for (std::size_t i = 0; i < raw.size; ++i) any |= raw.data[i];
  return any <= 1;
}

bool encode_part(Quantised format, Bytes raw, std::size_t count, Writer& to, QuantisedScratch& scratch, Path path) {
  const RecordFormat& shape = record_format(format);
  if (format == Quantised::boolean && !only_booleans(raw)) return false;
  const Writer start = to;
  to.number(1, 1);
  to.number(4, count);
  for (unsigned c = 0; c < shape.columns; ++c)
    write_column(raw.data, count, shape.record, shape.column[c], to, scratch, path);
  find_contexts(format, raw.data, count, scratch.context);
  std::size_t size[kContexts] = {};
  for (std::size_t u = 0; u < count * shape.units; ++u) size[scratch.context[u]] += shape.symbols;
  std::uint8_t *next[kContexts], *at = scratch.ordered;
  for (unsigned c = 0; c < kContexts; at += size[c++]) next[c] = at;
  split(format, raw.data, count, scratch.context, next, path);
  Cluster list[kContexts];
  unsigned n = 0;
  for (unsigned c = 0; c < kContexts; ++c) {
    if (size[c] == 0) continue;
    count_into({next[c] - size[c], size[c]}, scratch.tables, scratch.counts[c]);
    list[n++] = {c, size[c], bits_of(scratch.counts[c])};
  }
  n = merge_contexts(list, n, scratch.counts);
  if (static_cast<std::size_t>(to.at() - start.at()) + clusters_size(list, n, scratch) >= raw.size) {
    to = start;
    return false;
  }
  write_clusters(list, n, to, scratch, path);
  return true;
}

}  // namespace

std::size_t record_size(Quantised format) { return record_format(format).record; }

// A coded part begins where a stored one would end at the latest, but for its columns' heads and codes.
std::size_t quantised_bound(std::size_t size) { return size + 16 * (size / 1024 + 4) + 4096 + 2 * kOvershoot; }

std::size_t encode_quantised(Quantised format, Bytes raw, std::uint8_t* packed, QuantisedScratch& scratch, Path path) {
  const RecordFormat& shape = record_format(format);
  Writer to(packed);
  to.number(1, kQuantisedVersion);
  to.number(1, static_cast<unsigned>(format));
  const std::size_t most = kMaxSymbols / shape.symbols_each();
  std::size_t left = raw.size / shape.record;
  while (left != 0) {
    const std::size_t count = std::min(left, most);
    const Bytes part{raw.data, count * shape.record};
    if (!encode_part(format, part, count, to, scratch, path)) {
      to.number(1, 0);
      to.number(4, count);
      to.bytes(part.data, part.size);
    }
    raw.data += part.size;
    raw.size -= part.size;
    left -= count;
  }
  to.bytes(raw.data, raw.size);
  return static_cast<std::size_t>(to.at() - packed);
}

}  // namespace weighbridge
