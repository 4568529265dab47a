// Whole groups of word_fields.hpp, 32 elements at a time: the same bytes as the portable loops.
#pragma once
#include "word_fields.hpp"

namespace weighbridge {

// Number of leading words done: whole groups of them, or none where there is no vector version.
std::size_t split_words_avx2(const WordLayout& layout, const std::uint8_t* words, std::size_t count, const Fields& to);
std::size_t merge_words_avx2(const WordLayout& layout, const ConstFields& from, std::size_t count, std::uint8_t* words);

}  // namespace weighbridge
