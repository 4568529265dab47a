#include "float_block_format.hpp"

namespace weighbridge {
namespace {

class BlockDecoder {
 public:
  BlockDecoder(const Format& format, Reader from, DecodeScratch& scratch, Path path)
      : format_(format), from_(from), scratch_(scratch), path_(path) {}

  Fault run(std::uint8_t* raw, std::size_t left) {
    while (left != 0) {
      std::uint32_t form, count;
      if (!from_.number(1, form) || !from_.number(4, count)) return Fault::length;
      if (count == 0 || count > left / format_.width) return Fault::part;
      const Fault fault = part(form, raw, count);
      if (fault != Fault::none) return fault;
      raw += count * format_.width;
      left -= count * format_.width;
    }
    return from_.left() == 0 ? Fault::none : Fault::trailing;
  }

 private:
  Fault part(unsigned form, std::uint8_t* raw, std::size_t count) {
    const std::uint8_t* bytes;
    if (form == kStored) {
      if (!from_.take(count * format_.width, bytes)) return Fault::length;
      std::memcpy(raw, bytes, count * format_.width);
      return Fault::none;
    }
    if (form == kRepeated) {
      if (!from_.take(format_.width, bytes)) return Fault::length;
      for (std::size_t i = 0; i < count; ++i) std::memcpy(raw + i * format_.width, bytes, format_.width);
      return Fault::none;
    }
    if (form != kFields || count > kMaxPart) return Fault::part;
    return is_whole(format_) ? symbols(raw, count) : words(raw, count);
  }

  Fault words(std::uint8_t* raw, std::size_t count) {
    std::uint32_t zeros, kept, gap;
    if (!from_.number(1, zeros) || !from_.number(1, kept) || !from_.number(2, gap)) return Fault::length;
    if (zeros > format_.mantissa_bits || kept > 8 || kept > format_.mantissa_bits - zeros) return Fault::part;
    const WordLayout layout{format_.width, format_.mantissa_bits, zeros, kept, gap};
    ConstFields fields{scratch_.symbols, {}, nullptr};
    for (unsigned p = 0; p < layout.planes(); ++p) {
      const Fault fault = plane(scratch_.planes[p], count, fields.planes[p]);
      if (fault != Fault::none) return fault;
    }
    if (!from_.take(packed_size(count, layout.leftover()), fields.packed)) return Fault::length;
    const Fault fault = symbols(scratch_.symbols, count);
    if (fault != Fault::none) return fault;
    merge_words(layout, fields, count, raw, path_);
    return Fault::none;
  }

  Fault plane(std::uint8_t* decoded, std::size_t count, const std::uint8_t*& plane) {
    std::uint32_t mode;
    if (!from_.number(1, mode)) return Fault::length;
    if (mode == kPlain) return from_.take(count, plane) ? Fault::none : Fault::length;
    plane = decoded;
    if (mode != kCoded) return Fault::part;
    return decode_sequence(from_, decoded, count, scratch_.tables, path_) ? Fault::none : Fault::code;
  }

  // Symbols of a part; those of a single cluster are decoded in place.
  Fault symbols(std::uint8_t* to, std::size_t count) {
    std::uint32_t clusters;
    if (!from_.number(1, clusters)) return Fault::length;
    if (clusters == 0 || clusters > kMaxClusters) return Fault::part;
    if (clusters == 1) return decode_sequence(from_, to, count, scratch_.tables, path_) ? Fault::none : Fault::code;
    std::uint32_t length, first;
    if (!from_.number(2, length) || !from_.number(2, first)) return Fault::length;
    if (first == 0 || first > length) return Fault::labels;
    const Runs runs{length, first, count};
    const unsigned bits = label_bits(clusters);
    Labels labels{nullptr, bits, clusters};
    if (!from_.take((runs.count() * bits + 7) / 8, labels.bytes)) return Fault::length;
    return clustered(to, runs, labels);
  }

  struct Labels {
    const std::uint8_t* bytes;
    unsigned bits;
    std::uint32_t clusters;

    unsigned operator[](std::size_t run) const {
      const std::size_t bit = run * bits;
      unsigned label = bytes[bit / 8];
      if (bit % 8 + bits > 8) label |= static_cast<unsigned>(bytes[bit / 8 + 1]) << 8;
      label = (label >> (bit % 8)) & ((1u << bits) - 1);
      return label;
    }
  };

  Fault clustered(std::uint8_t* to, const Runs& runs, const Labels& labels) {
    std::size_t size[kMaxClusters] = {};
    for (std::size_t r = 0; r < runs.count(); ++r) size[labels[r]] += runs.size(r);
    std::uint8_t* next[kMaxClusters];
    std::uint8_t* ordered = scratch_.ordered;
    for (unsigned c = 0; c < kMaxClusters; ++c) {
      next[c] = ordered;
      ordered += size[c];
      if ((size[c] != 0) != (c < labels.clusters)) return Fault::labels;
      if (c < labels.clusters && !decode_sequence(from_, next[c], size[c], scratch_.tables, path_)) return Fault::code;
    }
    for (std::size_t r = 0; r < runs.count(); ++r) {
      std::uint8_t*& from = next[labels[r]];
      std::memcpy(to + runs.start(r), from, runs.size(r));
      from += runs.size(r);
    }
    return Fault::none;
  }

  const Format& format_;
  Reader from_;
  DecodeScratch& scratch_;
  Path path_;
};

}  // namespace

Fault decode_block(Bytes block, std::uint8_t* raw, std::size_t raw_size, DecodeScratch& scratch, Path path) {
  Reader from(block);
  std::uint32_t version, kind;
  if (!from.number(1, version) || !from.number(1, kind)) return Fault::length;
  if (version != kVersion) return Fault::version;
  if (kind >= kKinds) return Fault::kind;
  const Format& format = kFormats[kind];
  if (raw_size % format.width != 0) return Fault::length;
  return BlockDecoder(format, from, scratch, path).run(raw, raw_size);
}

}  // namespace weighbridge
