#include "word_fields.hpp"

#include <algorithm>

#include "word_fields_avx2.hpp"

namespace weighbridge {
namespace {

void pack_group(const std::uint8_t* values, std::size_t lanes, unsigned bits, std::uint8_t* to) {
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    std::uint64_t above = 0;
    for (unsigned i = bits; i < 8; ++i) above |= std::uint64_t{values[i * lanes + lane]} << (bits * (i - bits));
    for (unsigned j = 0; j < bits; ++j)
      to[j * lanes + lane] =
          static_cast<std::uint8_t>(values[j * lanes + lane] | ((above >> (j * (8 - bits))) << bits));
  }
}

void unpack_group(const std::uint8_t* from, std::size_t lanes, unsigned bits, std::uint8_t* values) {
  const unsigned mask = (1u << bits) - 1;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    std::uint64_t above = 0;
    for (unsigned j = 0; j < bits; ++j) {
      const unsigned byte = from[j * lanes + lane];
      values[j * lanes + lane] = static_cast<std::uint8_t>(byte & mask);
      above |= std::uint64_t{byte >> bits} << (j * (8 - bits));
    }
    for (unsigned i = bits; i < 8; ++i)
      values[i * lanes + lane] = static_cast<std::uint8_t>((above >> (bits * (i - bits))) & mask);
  }
}

std::size_t group_lanes(std::size_t count) { return (std::min(count, kGroup) + 7) / 8; }

template <typename Word>
void split_from(std::size_t start, const WordLayout& layout, const std::uint8_t* words, std::size_t count,
                const Fields& to) {
  constexpr unsigned kSign = sizeof(Word) * 8 - 1;
  const unsigned rest_bits = layout.rest_bits(), planes = layout.planes(), leftover = layout.leftover();
  const std::uint64_t lowest = std::uint64_t{1} << layout.kept;
  for (std::size_t base = start; base < count; base += kGroup) {
    std::uint8_t left[kGroup] = {};
    const std::size_t size = std::min(kGroup, count - base);
    for (std::size_t i = 0; i < size; ++i) {
      const std::uint64_t word = load_le<Word>(words + (base + i) * sizeof(Word));
      const std::uint64_t magnitude = word & ((std::uint64_t{1} << kSign) - 1);
      const std::uint64_t y = ((magnitude >> layout.zeros) << 1) | (word >> kSign), v = y >> rest_bits;
      to.symbols[base + i] = static_cast<std::uint8_t>(v < lowest ? v : v - layout.gap);
      for (unsigned p = 0; p < planes; ++p) to.planes[p][base + i] = static_cast<std::uint8_t>(y >> (8 * p));
      left[i] = static_cast<std::uint8_t>((y >> (8 * planes)) & ((1u << leftover) - 1));
    }
    if (leftover != 0) pack_group(left, group_lanes(size), leftover, to.packed + base / 8 * leftover);
  }
}

template <typename Word>
void merge_from(std::size_t start, const WordLayout& layout, const ConstFields& from, std::size_t count,
                std::uint8_t* words) {
  constexpr unsigned kSign = sizeof(Word) * 8 - 1;
  const unsigned rest_bits = layout.rest_bits(), planes = layout.planes(), leftover = layout.leftover();
  const std::uint64_t lowest = std::uint64_t{1} << layout.kept;
  for (std::size_t base = start; base < count; base += kGroup) {
    std::uint8_t left[kGroup] = {};
    const std::size_t size = std::min(kGroup, count - base);
    if (leftover != 0) unpack_group(from.packed + base / 8 * leftover, group_lanes(size), leftover, left);
    for (std::size_t i = 0; i < size; ++i) {
      const std::uint64_t symbol = from.symbols[base + i], v = symbol < lowest ? symbol : symbol + layout.gap;
      std::uint64_t y = (v << rest_bits) | (std::uint64_t{left[i]} << (8 * planes));
      for (unsigned p = 0; p < planes; ++p) y |= std::uint64_t{from.planes[p][base + i]} << (8 * p);
      const Word kept = static_cast<Word>(y);  // symbols that no word has may exceed it
      store_le(words + (base + i) * sizeof(Word),
               static_cast<Word>((std::uint64_t{kept} >> 1 << layout.zeros) | (std::uint64_t{kept} << kSign)));
    }
  }
}

template <typename Word>
WEIGHBRIDGE_INLINE Survey survey(unsigned mantissa_bits, const std::uint8_t* words, std::size_t count) {
  constexpr Word kMagnitude = static_cast<Word>(static_cast<Word>(~Word{0}) >> 1);
  const Word normal = static_cast<Word>(Word{1} << mantissa_bits), first = load_le<Word>(words);
  Word any = 0, largest = 0, smallest = static_cast<Word>(~Word{0}), different = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Word word = load_le<Word>(words + i * sizeof(Word)), magnitude = word & kMagnitude;
    any = static_cast<Word>(any | magnitude);
    largest = std::max(largest, magnitude);
    smallest = std::min(smallest, static_cast<Word>(magnitude - normal));  // wraps, and is large, for zeros
    different = static_cast<Word>(different | (word ^ first));
  }
  return {any, largest, smallest > kMagnitude ? ~0ull : std::uint64_t{smallest}, different == 0};
}

WEIGHBRIDGE_INLINE Survey survey_any(unsigned width, unsigned mantissa_bits, const std::uint8_t* words,
                                     std::size_t count) {
  if (width == 1) return survey<std::uint8_t>(mantissa_bits, words, count);
  if (width == 2) return survey<std::uint16_t>(mantissa_bits, words, count);
  if (width == 4) return survey<std::uint32_t>(mantissa_bits, words, count);
  return survey<std::uint64_t>(mantissa_bits, words, count);
}

#if defined(WEIGHBRIDGE_X86)
WEIGHBRIDGE_AVX2 Survey survey_avx2(unsigned width, unsigned mantissa_bits, const std::uint8_t* words,
                                    std::size_t count) {
  return survey_any(width, mantissa_bits, words, count);
}
#endif

}  // namespace

std::size_t packed_size(std::size_t count, unsigned leftover) {
  return leftover * (count / kGroup * (kGroup / 8) + group_lanes(count % kGroup));
}

void Survey::add(const Survey& other) {
  any |= other.any;
  largest = std::max(largest, other.largest);
  smallest = std::min(smallest, other.smallest);
}

void split_words(const WordLayout& layout, const std::uint8_t* words, std::size_t count, const Fields& to, Path path) {
  const std::size_t done = path == Path::avx2 ? split_words_avx2(layout, words, count, to) : 0;
  if (layout.width == 1) return split_from<std::uint8_t>(done, layout, words, count, to);
  if (layout.width == 2) return split_from<std::uint16_t>(done, layout, words, count, to);
  if (layout.width == 4) return split_from<std::uint32_t>(done, layout, words, count, to);
  split_from<std::uint64_t>(done, layout, words, count, to);
}

void merge_words(const WordLayout& layout, const ConstFields& from, std::size_t count, std::uint8_t* words, Path path) {
  const std::size_t done = path == Path::avx2 ? merge_words_avx2(layout, from, count, words) : 0;
  if (layout.width == 1) return merge_from<std::uint8_t>(done, layout, from, count, words);
  if (layout.width == 2) return merge_from<std::uint16_t>(done, layout, from, count, words);
  if (layout.width == 4) return merge_from<std::uint32_t>(done, layout, from, count, words);
  merge_from<std::uint64_t>(done, layout, from, count, words);
}

Survey survey_words(unsigned width, unsigned mantissa_bits, const std::uint8_t* words, std::size_t count, Path path) {
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) return survey_avx2(width, mantissa_bits, words, count);
#endif
  static_cast<void>(path);
  return survey_any(width, mantissa_bits, words, count);
}

}  // namespace weighbridge
