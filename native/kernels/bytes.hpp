// Views of caller-owned memory, and the few loads and stores that every kernel needs.
//
// Nothing here allocates or throws. A Reader never moves past its end: `take` says whether there was enough.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__GNUC__) && defined(__x86_64__)
#define WEIGHBRIDGE_X86 1
#define WEIGHBRIDGE_AVX2 __attribute__((target("avx2,bmi,bmi2")))
#endif
#if defined(__GNUC__)
#define WEIGHBRIDGE_INLINE inline __attribute__((always_inline))
#define WEIGHBRIDGE_NOINLINE __attribute__((noinline))
#else
#define WEIGHBRIDGE_INLINE inline
#define WEIGHBRIDGE_NOINLINE
#endif

namespace weighbridge {

struct Bytes {
  const std::uint8_t* data;
  std::size_t size;
};

// Which of the equivalent implementations runs: they write the same bytes.
enum class Path { portable, avx2 };

inline Path best_path() {
#if defined(WEIGHBRIDGE_X86)
  static const bool fast =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  if (fast) return Path::avx2;
#endif
  return Path::portable;
}

template <typename Word>
WEIGHBRIDGE_INLINE Word load_le(const std::uint8_t* from) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  Word word;
  std::memcpy(&word, from, sizeof word);
#else
  Word word = 0;
  for (unsigned i = 0; i < sizeof word; ++i) word = static_cast<Word>(word | (static_cast<Word>(from[i]) << (8 * i)));
#endif
  return word;
}

template <typename Word>
WEIGHBRIDGE_INLINE void store_le(std::uint8_t* to, Word word) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  std::memcpy(to, &word, sizeof word);
#else
  for (unsigned i = 0; i < sizeof word; ++i) to[i] = static_cast<std::uint8_t>(word >> (8 * i));
#endif
}

// Byte `n` of a word in memory, counted from the lowest.
template <typename Word>
WEIGHBRIDGE_INLINE std::uint8_t byte_of(const Word* word, unsigned n) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return reinterpret_cast<const std::uint8_t*>(word)[n];
#else
  return static_cast<std::uint8_t>(*word >> (8 * n));
#endif
}

WEIGHBRIDGE_INLINE std::uint64_t swap64(std::uint64_t word) {
#if defined(__GNUC__)
  return __builtin_bswap64(word);
#else
  std::uint64_t swapped = 0;
  for (unsigned i = 0; i < 8; ++i) swapped = (swapped << 8) | ((word >> (8 * i)) & 0xff);
  return swapped;
#endif
}

WEIGHBRIDGE_INLINE std::uint64_t load_be64(const std::uint8_t* from) { return swap64(load_le<std::uint64_t>(from)); }
WEIGHBRIDGE_INLINE void store_be64(std::uint8_t* to, std::uint64_t word) { store_le(to, swap64(word)); }

// 0 … 63; the word is never zero.
WEIGHBRIDGE_INLINE unsigned trailing_zeros(std::uint64_t word) {
#if defined(__GNUC__)
  return static_cast<unsigned>(__builtin_ctzll(word));
#else
  unsigned count = 0;
  while (((word >> count) & 1) == 0) ++count;
  return count;
#endif
}

// 0 … 63; the word is never zero.
WEIGHBRIDGE_INLINE unsigned leading_zeros(std::uint64_t word) {
#if defined(__GNUC__)
  return static_cast<unsigned>(__builtin_clzll(word));
#else
  unsigned count = 0;
  while ((word >> (63 - count)) == 0) ++count;
  return count;
#endif
}

class Reader {
 public:
  explicit Reader(Bytes bytes) : at_(bytes.data), end_(bytes.data + bytes.size) {}
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

  bool take(std::size_t size, const std::uint8_t*& start) {
    if (left() < size) return false;
    start = at_;
    at_ += size;
    return true;
  }

  // An unsigned little-endian integer of `size` <= 4 bytes.
  bool number(unsigned size, std::uint32_t& value) {
    const std::uint8_t* bytes;
    if (!take(size, bytes)) return false;
    value = 0;
    for (unsigned i = 0; i < size; ++i) value |= static_cast<std::uint32_t>(bytes[i]) << (8 * i);
    return true;
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

// Appends to memory that the caller has measured: see `encode_bound`.
class Writer {
 public:
  explicit Writer(std::uint8_t* to) : at_(to) {}
  std::uint8_t* at() const { return at_; }
  void skip(std::size_t size) { at_ += size; }
  void rewind(std::uint8_t* to) { at_ = to; }

  void number(unsigned size, std::uint64_t value) {
    for (unsigned i = 0; i < size; ++i) *at_++ = static_cast<std::uint8_t>(value >> (8 * i));
  }
  void bytes(const std::uint8_t* from, std::size_t size) {
    if (size != 0) std::memcpy(at_, from, size);
    at_ += size;
  }

 private:
  std::uint8_t* at_;
};

}  // namespace weighbridge
