#include "fields.hpp"

#include <cstring>

namespace weighbridge {
namespace {

template <typename Word>
void split(const std::uint8_t* elements, std::uint8_t* planes, std::size_t count, bool rotate) {
  constexpr unsigned bits = sizeof(Word) * 8;
  for (std::size_t i = 0; i < count; ++i) {
    Word word;
    std::memcpy(&word, elements + i * sizeof(Word), sizeof(Word));
    if (rotate) word = static_cast<Word>((word << 1) | (word >> (bits - 1)));
    for (unsigned p = 0; p < sizeof(Word); ++p) planes[p * count + i] = static_cast<std::uint8_t>(word >> (8 * p));
  }
}

template <typename Word>
void merge(const std::uint8_t* planes, std::uint8_t* elements, std::size_t count, bool rotate) {
  constexpr unsigned bits = sizeof(Word) * 8;
  for (std::size_t i = 0; i < count; ++i) {
    Word word = 0;
    for (unsigned p = 0; p < sizeof(Word); ++p) word = static_cast<Word>(word | (static_cast<Word>(planes[p * count + i]) << (8 * p)));
    if (rotate) word = static_cast<Word>((word >> 1) | (word << (bits - 1)));
    std::memcpy(elements + i * sizeof(Word), &word, sizeof(Word));
  }
}

}  // namespace

void split_fields(const std::uint8_t* elements, std::uint8_t* planes, std::size_t count, unsigned width, bool rotate) {
  switch (width) {
    case 2: return split<std::uint16_t>(elements, planes, count, rotate);
    case 4: return split<std::uint32_t>(elements, planes, count, rotate);
    case 8: return split<std::uint64_t>(elements, planes, count, rotate);
    default: return;
  }
}

void merge_fields(const std::uint8_t* planes, std::uint8_t* elements, std::size_t count, unsigned width, bool rotate) {
  switch (width) {
    case 2: return merge<std::uint16_t>(planes, elements, count, rotate);
    case 4: return merge<std::uint32_t>(planes, elements, count, rotate);
    case 8: return merge<std::uint64_t>(planes, elements, count, rotate);
    default: return;
  }
}

}  // namespace weighbridge
