#include "quantised_records.hpp"

namespace weighbridge {
namespace {

template <Quantised F>
WEIGHBRIDGE_INLINE void merge_all(const std::uint8_t* next[kContexts], const std::uint8_t* context, std::size_t count,
                                  std::uint8_t* records) {
  constexpr RecordFormat shape = kRecordFormats[static_cast<unsigned>(F)];
  for (std::size_t r = 0; r < count; ++r, records += shape.record, context += shape.units) {
    const std::uint8_t* from[shape.units];
    for (std::size_t u = 0; u < shape.units; ++u) {
      from[u] = next[context[u]];
      next[context[u]] += shape.symbols;
    }
    merge_record<F>(from, records);
  }
}

WEIGHBRIDGE_INLINE void merge_any(Quantised format, const std::uint8_t* next[kContexts], const std::uint8_t* context,
                                  std::size_t count, std::uint8_t* records) {
  switch (format) {
    case Quantised::q4_0:
      return merge_all<Quantised::q4_0>(next, context, count, records);
    case Quantised::q5_0:
      return merge_all<Quantised::q5_0>(next, context, count, records);
    case Quantised::q8_0:
      return merge_all<Quantised::q8_0>(next, context, count, records);
    case Quantised::q4_k:
      return merge_all<Quantised::q4_k>(next, context, count, records);
    case Quantised::q5_k:
      return merge_all<Quantised::q5_k>(next, context, count, records);
    case Quantised::q6_k:
      return merge_all<Quantised::q6_k>(next, context, count, records);
    case Quantised::boolean:
      return merge_all<Quantised::boolean>(next, context, count, records);
  }
}

#if defined(WEIGHBRIDGE_X86)
WEIGHBRIDGE_AVX2 void merge_avx2(Quantised format, const std::uint8_t* next[kContexts], const std::uint8_t* context,
                                 std::size_t count, std::uint8_t* records) {
  merge_any(format, next, context, count, records);
}
#endif

void merge(Quantised format, const std::uint8_t* next[kContexts], const std::uint8_t* context, std::size_t count,
           std::uint8_t* records, Path path) {
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) return merge_avx2(format, next, context, count, records);
#endif
  static_cast<void>(path);
  merge_any(format, next, context, count, records);
}

class QuantisedDecoder {
 public:
  QuantisedDecoder(Quantised format, Reader from, QuantisedScratch& scratch, Path path)
      : format_(format), shape_(record_format(format)), from_(from), scratch_(scratch), path_(path) {}

  QuantisedFault run(std::uint8_t* raw, std::size_t size) {
    std::size_t left = size / shape_.record;
    const std::uint8_t* bytes;
    while (left != 0) {
      std::uint32_t form, count;
      if (!from_.number(1, form) || !from_.number(4, count)) return QuantisedFault::length;
      if (form > 1 || count == 0 || count > left) return QuantisedFault::part;
      if (form == 0) {
        if (!from_.take(count * shape_.record, bytes)) return QuantisedFault::length;
        std::memcpy(raw, bytes, count * shape_.record);
      } else {
        if (count > kMaxSymbols / shape_.symbols_each()) return QuantisedFault::part;
        const QuantisedFault fault = part(raw, count);
        if (fault != QuantisedFault::none) return fault;
      }
      raw += count * shape_.record;
      left -= count;
    }
    if (!from_.take(size % shape_.record, bytes)) return QuantisedFault::length;
    if (size % shape_.record != 0) std::memcpy(raw, bytes, size % shape_.record);
    return from_.left() == 0 ? QuantisedFault::none : QuantisedFault::trailing;
  }

 private:
  QuantisedFault part(std::uint8_t* raw, std::size_t count) {
    for (unsigned c = 0; c < shape_.columns; ++c) {
      const QuantisedFault fault = column(shape_.column[c], raw, count);
      if (fault != QuantisedFault::none) return fault;
    }
    find_contexts(format_, raw, count, scratch_.context);
    std::size_t size[kContexts] = {};
    for (std::size_t u = 0; u < count * shape_.units; ++u) size[scratch_.context[u]] += shape_.symbols;
    const QuantisedFault fault = symbols(size);
    if (fault != QuantisedFault::none) return fault;
    const std::uint8_t *next[kContexts], *at = scratch_.ordered;
    for (unsigned c = 0; c < kContexts; at += size[c++]) next[c] = at;
    merge(format_, next, scratch_.context, count, raw, path_);
    return QuantisedFault::none;
  }

  QuantisedFault column(Column column, std::uint8_t* raw, std::size_t count) {
    std::uint32_t mode;
    const std::uint8_t* bytes = scratch_.column;
    if (!from_.number(1, mode)) return QuantisedFault::length;
    if (mode > (column.low ? kColumnByQuarter : kColumnCoded)) return QuantisedFault::part;
    if (mode == kColumnByQuarter) return quarters(column.at, raw, count);
    if (mode == kColumnPlain && !from_.take(count * column.width, bytes)) return QuantisedFault::length;
    if (mode == kColumnCoded &&
        !decode_sequence(from_, scratch_.column, count * column.width, scratch_.decode, path_))
      return QuantisedFault::code;
    for (std::size_t r = 0; r < count; ++r)
      for (unsigned b = 0; b < column.width; ++b)
        raw[r * shape_.record + column.at + b] = bytes[r * column.width + b];
    return QuantisedFault::none;
  }

  // Lower bytes, coded by the lowest two bits of the upper ones, which are in the records already.
  QuantisedFault quarters(std::size_t at, std::uint8_t* raw, std::size_t count) {
    std::size_t size[4] = {};
    for (std::size_t r = 0; r < count; ++r) ++size[raw[r * shape_.record + at + 1] & 3];
    const std::uint8_t* next[4];
    std::uint8_t* to = scratch_.column;
    for (unsigned q = 0; q < 4; to += size[q++]) {
      next[q] = to;
      if (size[q] != 0 && !decode_sequence(from_, to, size[q], scratch_.decode, path_)) return QuantisedFault::code;
    }
    for (std::size_t r = 0; r < count; ++r) {
      std::uint8_t* low = raw + r * shape_.record + at;
      *low = *next[low[1] & 3]++;
    }
    return QuantisedFault::none;
  }

  // The symbols of all clusters, one after the other: those of the lowest context first.
  QuantisedFault symbols(const std::size_t size[kContexts]) {
    std::uint32_t starts;
    if (!from_.number(2, starts)) return QuantisedFault::length;
    if ((starts & 1) == 0) return QuantisedFault::clusters;
    std::uint8_t* to = scratch_.ordered;
    for (unsigned c = 0; c < kContexts;) {
      std::size_t symbols = 0;
      do symbols += size[c++];
      while (c < kContexts && (starts >> c & 1) == 0);
      if (symbols == 0) return QuantisedFault::clusters;
      if (!decode_sequence(from_, to, symbols, scratch_.decode, path_)) return QuantisedFault::code;
      to += symbols;
    }
    std::uint8_t any = 0;
    if (shape_.limit < 256)
      for (const std::uint8_t* at = scratch_.ordered; at < to; ++at) any |= *at;
    return any < shape_.limit ? QuantisedFault::none : QuantisedFault::symbol;
  }

  const Quantised format_;
  const RecordFormat& shape_;
  Reader from_;
  QuantisedScratch& scratch_;
  Path path_;
};

}  // namespace

QuantisedFault decode_quantised(Bytes packed, std::uint8_t* raw, std::size_t raw_size, QuantisedScratch& scratch,
                                Path path) {
  Reader from(packed);
  std::uint32_t version, format;
  if (!from.number(1, version) || !from.number(1, format)) return QuantisedFault::length;
  if (version != kQuantisedVersion) return QuantisedFault::version;
  if (format >= kQuantisedFormats) return QuantisedFault::format;
  return QuantisedDecoder(static_cast<Quantised>(format), from, scratch, path).run(raw, raw_size);
}

}  // namespace weighbridge
