#include "delta_words.hpp"

#include <algorithm>
#include <type_traits>

namespace weighbridge {
namespace {

template <typename Word>
constexpr unsigned kTop = sizeof(Word) * 8 - 1;

// What is done to a word before it is subtracted: a magnitude without its lowest bits, complemented if it is negative.
template <typename Word, bool Float>
WEIGHBRIDGE_INLINE Word ordered(Word word, unsigned zeros) {
  if constexpr (!Float) return word;
  using Signed = std::make_signed_t<Word>;
  const Word negative = static_cast<Word>(static_cast<Signed>(word) >> kTop<Word>);
  const Word magnitude = static_cast<Word>(static_cast<Word>(word << 1) >> 1);
  return static_cast<Word>((magnitude >> zeros) ^ negative);
}

template <typename Word, bool Float>
WEIGHBRIDGE_INLINE Word from_ordered(Word value, unsigned zeros) {
  if constexpr (!Float) return value;
  using Signed = std::make_signed_t<Word>;
  const Word negative = static_cast<Word>(static_cast<Signed>(value) >> kTop<Word>);
  const Word magnitude = static_cast<Word>(static_cast<Word>(static_cast<Word>(value ^ negative) << zeros) << 1) >> 1;
  return static_cast<Word>(magnitude | static_cast<Word>(negative << kTop<Word>));
}

template <typename Word>
WEIGHBRIDGE_INLINE Word fold(Word difference) {
  using Signed = std::make_signed_t<Word>;
  const Word negative = static_cast<Word>(static_cast<Signed>(difference) >> kTop<Word>);
  return static_cast<Word>(static_cast<Word>(difference << 1) ^ negative);
}

template <typename Word>
WEIGHBRIDGE_INLINE Word unfold(Word folded) {
  return static_cast<Word>((folded >> 1) ^ static_cast<Word>(-(folded & 1)));
}

// ---- how far a run moved

constexpr unsigned kMostFar = 150;  // larger exponents are taken as this one, and no sum is infinite
constexpr std::size_t kSums = 8;  // sums that are kept apart, so that vector and portable code add in the same order

WEIGHBRIDGE_INLINE float power_of_two(std::uint32_t exponent) {
  const std::uint32_t bits = exponent << 23;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// A difference in units of the prediction's last place, at most `most`, as a distance.
template <typename Word, bool Float>
WEIGHBRIDGE_INLINE float distance(WordClass<Word> class_of, Word predicted, Word folded, Word most) {
  using Signed = std::make_signed_t<Word>;
  const Word steps = static_cast<Word>((folded >> 1) + (folded & 1));
  const float far = static_cast<float>(static_cast<Signed>(std::min(steps, most)));
  if constexpr (!Float) return far;
  return far * power_of_two(std::min(std::max(class_of(predicted), 1u), kMostFar));
}

template <typename Word, bool Float>
WEIGHBRIDGE_INLINE std::uint16_t fold_run(const DeltaKind& kind, unsigned zeros, const std::uint8_t* words,
                                          const std::uint8_t* predicted, std::size_t count, std::uint8_t* folded) {
  Word any = 0;
  for (std::size_t i = 0; i < count * sizeof(Word); i += sizeof(Word)) {
    const Word value = ordered<Word, Float>(load_le<Word>(words + i), zeros);
    const Word guess = ordered<Word, Float>(load_le<Word>(predicted + i), zeros);
    const Word moved = fold<Word>(static_cast<Word>(value - guess));
    any = static_cast<Word>(any | moved);
    store_le(folded + i, moved);
  }
  if (any == 0) return 0;
  // One that crosses zero moved no further than from there.
  const Word most = static_cast<Word>(Float ? Word{2} << (kind.mantissa_bits - zeros) : static_cast<Word>(~Word{0}) >> 1);
  const WordClass<Word> class_of(kind);
  float sums[kSums] = {};
  std::size_t i = 0;
  for (; i + kSums <= count; i += kSums)
    for (std::size_t k = 0; k < kSums; ++k)
      sums[k] += distance<Word, Float>(class_of, load_le<Word>(predicted + (i + k) * sizeof(Word)),
                                       load_le<Word>(folded + (i + k) * sizeof(Word)), most);
  for (; i < count; ++i)
    sums[i % kSums] += distance<Word, Float>(class_of, load_le<Word>(predicted + i * sizeof(Word)),
                                             load_le<Word>(folded + i * sizeof(Word)), most);
  float sum = 0;
  for (const float part : sums) sum += part;
  const float mean = sum / static_cast<float>(count);
  std::uint32_t bits;
  std::memcpy(&bits, &mean, sizeof bits);
  return static_cast<std::uint16_t>(std::max(bits >> 22, 1u));
}

template <typename Word, bool Float>
WEIGHBRIDGE_INLINE void fold_runs(const DeltaKind& kind, unsigned zeros, const std::uint8_t* words,
                                  const std::uint8_t* predicted, std::size_t count, std::size_t run,
                                  std::uint8_t* folded, std::uint16_t* activity) {
  for (std::size_t start = 0; start < count; start += run) {
    const std::size_t at = start * sizeof(Word);
    *activity++ = fold_run<Word, Float>(kind, zeros, words + at, predicted + at, std::min(run, count - start), folded + at);
  }
}

template <typename Word, bool Float>
WEIGHBRIDGE_INLINE void unfold_all(unsigned zeros, const std::uint8_t* predicted, std::size_t count,
                                   std::uint8_t* words) {
  for (std::size_t i = 0; i < count * sizeof(Word); i += sizeof(Word)) {
    const Word guess = ordered<Word, Float>(load_le<Word>(predicted + i), zeros);
    const Word moved = unfold<Word>(load_le<Word>(words + i));
    store_le(words + i, from_ordered<Word, Float>(static_cast<Word>(guess + moved), zeros));
  }
}

template <typename Word>
WEIGHBRIDGE_INLINE Word any_bits(const std::uint8_t* words, std::size_t count) {
  Word any = 0;
  for (std::size_t i = 0; i < count * sizeof(Word); i += sizeof(Word))
    any = static_cast<Word>(any | load_le<Word>(words + i));
  return any;
}

// ---- one work for every kind and path

template <typename Work>
WEIGHBRIDGE_INLINE void by_kind(const DeltaKind& kind, const Work& work) {
  if (kind.is_float()) {
    if (kind.width == 1) return work.template run<std::uint8_t, true>();
    if (kind.width == 2) return work.template run<std::uint16_t, true>();
    if (kind.width == 4) return work.template run<std::uint32_t, true>();
    return work.template run<std::uint64_t, true>();
  }
  if (kind.width == 1) return work.template run<std::uint8_t, false>();
  if (kind.width == 2) return work.template run<std::uint16_t, false>();
  if (kind.width == 4) return work.template run<std::uint32_t, false>();
  work.template run<std::uint64_t, false>();
}

#if defined(WEIGHBRIDGE_X86)
template <typename Work>
WEIGHBRIDGE_AVX2 void by_kind_avx2(const DeltaKind& kind, const Work& work) {
  by_kind(kind, work);
}
#endif

template <typename Work>
void do_work(const DeltaKind& kind, const Work& work, Path path) {
#if defined(WEIGHBRIDGE_X86)
  if (path == Path::avx2) return by_kind_avx2(kind, work);
#endif
  static_cast<void>(path);
  by_kind(kind, work);
}

struct Fold {
  const DeltaKind& kind;
  unsigned zeros;
  const std::uint8_t *words, *predicted;
  std::size_t count, length;
  std::uint8_t* folded;
  std::uint16_t* activity;

  template <typename Word, bool Float>
  WEIGHBRIDGE_INLINE void run() const {
    fold_runs<Word, Float>(kind, zeros, words, predicted, count, length, folded, activity);
  }
};

struct Unfold {
  unsigned zeros;
  const std::uint8_t* predicted;
  std::size_t count;
  std::uint8_t* words;

  template <typename Word, bool Float>
  WEIGHBRIDGE_INLINE void run() const {
    unfold_all<Word, Float>(zeros, predicted, count, words);
  }
};

struct Any {
  const std::uint8_t* words;
  std::size_t count;
  std::uint64_t& bits;

  template <typename Word, bool Float>
  WEIGHBRIDGE_INLINE void run() const {
    bits = any_bits<Word>(words, count);
  }
};

}  // namespace

unsigned common_zeros(const DeltaKind& kind, const std::uint8_t* words, std::size_t count, Path path) {
  if (!kind.is_float()) return 0;
  std::uint64_t bits = 0;
  do_work(kind, Any{words, count, bits}, path);
  return trailing_zeros(bits | (std::uint64_t{1} << kind.mantissa_bits));
}

void fold_words(const DeltaKind& kind, unsigned zeros, const std::uint8_t* words, const std::uint8_t* predicted,
                std::size_t count, std::size_t run, std::uint8_t* folded, std::uint16_t* activity, Path path) {
  do_work(kind, Fold{kind, zeros, words, predicted, count, run, folded, activity}, path);
}

void unfold_words(const DeltaKind& kind, unsigned zeros, const std::uint8_t* predicted, std::size_t count,
                  std::uint8_t* words, Path path) {
  do_work(kind, Unfold{zeros, predicted, count, words}, path);
}

}  // namespace weighbridge
