#include "delta_levels.hpp"

#include <algorithm>

#if defined(WEIGHBRIDGE_X86)
#include <immintrin.h>
#endif

namespace weighbridge {
namespace {

// Classes, from 0 for the lowest on.
template <typename Word>
WEIGHBRIDGE_INLINE void index_classes(const DeltaKind& kind, const DeltaLevels& levels, const std::uint8_t* predicted,
                                      std::size_t count, std::uint16_t* index) {
  const WordClass<Word> class_of(kind);
  using Class = std::conditional_t<sizeof(Word) == 4, std::uint32_t, std::uint16_t>;
  const Class lowest = static_cast<Class>(levels.lowest), highest = static_cast<Class>(levels.lowest + levels.classes - 1);
  for (std::size_t i = 0; i < count; ++i) {
    const auto found = static_cast<Class>(class_of(load_le<Word>(predicted + i * sizeof(Word))));
    index[i] = static_cast<std::uint16_t>(std::min(std::max(found, lowest), highest) - lowest);
  }
}

WEIGHBRIDGE_INLINE void index_any(const DeltaKind& kind, const DeltaLevels& levels, const std::uint8_t* predicted,
                                  std::size_t count, std::uint16_t* index) {
  if (!kind.is_float()) return void(std::fill(index, index + count, std::uint16_t{0}));
  if (kind.width == 1) return index_classes<std::uint8_t>(kind, levels, predicted, count, index);
  if (kind.width == 2) return index_classes<std::uint16_t>(kind, levels, predicted, count, index);
  if (kind.width == 4) return index_classes<std::uint32_t>(kind, levels, predicted, count, index);
  index_classes<std::uint64_t>(kind, levels, predicted, count, index);
}

#if defined(WEIGHBRIDGE_X86)
WEIGHBRIDGE_AVX2 void name_avx2(const DeltaKind& kind, const DeltaLevels& levels, const std::uint8_t* row,
                                const std::uint8_t* predicted, std::size_t count, unsigned shift,
                                std::uint16_t* contexts) {
  index_any(kind, levels, predicted, count, contexts);
  const __m256i low = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(row)));
  const __m256i high = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(row + 16)));
  const __m256i nothing = _mm256_set1_epi16(static_cast<short>(0x8000)), fifteen = _mm256_set1_epi16(15);
  const __m128i by = _mm_cvtsi32_si128(static_cast<int>(shift));
  for (std::size_t i = 0; i < count; i += 16) {
    auto* at = reinterpret_cast<__m256i*>(contexts + i);
    const __m256i index = _mm256_loadu_si256(at), place = _mm256_or_si256(index, nothing);
    const __m256i found = _mm256_blendv_epi8(_mm256_shuffle_epi8(low, place), _mm256_shuffle_epi8(high, place),
                                             _mm256_cmpgt_epi16(index, fifteen));
    _mm256_storeu_si256(at, _mm256_sll_epi16(found, by));
  }
}
#endif

}  // namespace

void fill_rows(const DeltaLevels& levels, ContextRows& rows) {
  for (unsigned label = 1; label <= levels.labels; ++label)
    for (unsigned k = 0; k < levels.classes; ++k) {
      const unsigned level = levels.level(label, k);
      unsigned context = 0;
      while (context + 1 < levels.contexts && level >= levels.bounds[context]) ++context;
      rows.of[label][k] = static_cast<std::uint8_t>(context);
    }
}

void name_contexts(const DeltaKind& kind, const DeltaLevels& levels, const ContextRows& rows, unsigned label,
                   const std::uint8_t* predicted, std::size_t count, unsigned shift, std::uint16_t* contexts,
                   Path path) {
  const std::uint8_t* row = rows.of[label];
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) return name_avx2(kind, levels, row, predicted, count, shift, contexts);
#endif
  static_cast<void>(path);
  index_any(kind, levels, predicted, count, contexts);
  for (std::size_t i = 0; i < count; ++i) contexts[i] = static_cast<std::uint16_t>(row[contexts[i]] << shift);
}

}  // namespace weighbridge
