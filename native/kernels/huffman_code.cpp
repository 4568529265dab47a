#include "huffman_code.hpp"

#include <algorithm>

namespace weighbridge {
namespace {

struct Leaf {
  std::uint32_t count;
  std::uint8_t symbol;
};

// Turns counts in ascending order into code lengths in place (Moffat and Katajainen, 1995): no tree, no allocation.
void lengths_in_place(std::uint32_t* a, int n) {
  if (n == 1) {
    a[0] = 1;
    return;
  }
  int leaf = 0, root = 0;
  for (int next = 0; next < n - 1; ++next) {  // a[next]: first the weight of an inner node, later its parent
    std::uint32_t weight = 0;
    for (int pick = 0; pick < 2; ++pick) {
      const bool inner = leaf >= n || (root < next && a[root] < a[leaf]);
      if (inner) {
        weight += a[root];
        a[root++] = static_cast<std::uint32_t>(next);
      } else {
        weight += a[leaf++];
      }
    }
    a[next] = weight;
  }
  a[n - 2] = 0;
  for (int next = n - 3; next >= 0; --next) a[next] = a[a[next]] + 1;  // depths of inner nodes
  int available = 1, depth = 0, inner = n - 2, to = n - 1;
  while (available > 0) {
    int used = 0;
    while (inner >= 0 && static_cast<int>(a[inner]) == depth) {
      ++used;
      --inner;
    }
    for (; available > used; --available) a[to--] = static_cast<std::uint32_t>(depth);
    available = 2 * used;
    ++depth;
  }
}

// How many words have each length, once none is longer than `limit`: words that were too long are put at the limit,
// and room for them is made by lengthening the shortest words that can give it.
void limit_lengths(unsigned per_length[33], unsigned limit) {
  for (unsigned length = limit + 1; length <= 32; ++length) {
    per_length[limit] += per_length[length];
    per_length[length] = 0;
  }
  std::uint32_t space = 0;
  for (unsigned length = 1; length <= limit; ++length) space += per_length[length] << (limit - length);
  while (space > (1u << limit)) {
    unsigned length = limit - 1;
    while (per_length[length] == 0) --length;
    --per_length[length];
    per_length[length + 1] += 2;
    --per_length[limit];
    --space;
  }
}

}  // namespace

void build_code(const std::uint32_t counts[256], unsigned limit, HuffmanCode& code) {
  Leaf leaves[256];
  int n = 0;
  for (unsigned s = 0; s < 256; ++s)
    if (counts[s] != 0) leaves[n++] = {counts[s], static_cast<std::uint8_t>(s)};
  code = HuffmanCode{};
  code.first = leaves[0].symbol;
  code.last = leaves[n - 1].symbol;
  if (n == 1) return;
  std::sort(leaves, leaves + n,
            [](const Leaf& a, const Leaf& b) { return a.count != b.count ? a.count < b.count : a.symbol > b.symbol; });
  std::uint32_t work[256];
  for (int i = 0; i < n; ++i) work[i] = leaves[i].count;
  lengths_in_place(work, n);
  unsigned per_length[33] = {};
  for (int i = 0; i < n; ++i) ++per_length[std::min<std::uint32_t>(work[i], 32)];
  limit_lengths(per_length, limit);
  int rarest = 0;
  for (unsigned length = limit; length >= 1; --length) {
    for (unsigned k = 0; k < per_length[length]; ++k)
      code.length[leaves[rarest++].symbol] = static_cast<std::uint8_t>(length);
    if (per_length[length] != 0 && code.longest == 0) code.longest = length;
  }
}

namespace {

// Bits that state `length` after `before`: see huffman_code.hpp.
unsigned step_bits(unsigned length, unsigned before) {
  if (length == before) return 1;
  return length + 1 == before || length == before + 1 ? 3 : 6;
}

constexpr unsigned kFirstGuess = 8;  // the length that the first symbol is compared with

class BitPacker {
 public:
  explicit BitPacker(Writer& to) : to_(to) {}
  void put(unsigned value, unsigned bits) {
    held_ |= value << used_;
    for (used_ += bits; used_ >= 8; used_ -= 8, held_ >>= 8) to_.number(1, held_ & 0xff);
  }
  void end() {
    if (used_ != 0) to_.number(1, held_);
  }

 private:
  Writer& to_;
  unsigned held_ = 0, used_ = 0;
};

class BitUnpacker {
 public:
  explicit BitUnpacker(Reader& from) : from_(from) {}
  bool take(unsigned bits, unsigned& value) {
    while (used_ < bits) {
      std::uint32_t byte;
      if (!from_.number(1, byte)) return false;
      held_ |= byte << used_;
      used_ += 8;
    }
    value = held_ & ((1u << bits) - 1);
    held_ >>= bits;
    used_ -= bits;
    return true;
  }
  bool padded_with_zeros() const { return held_ == 0; }

 private:
  Reader& from_;
  unsigned held_ = 0, used_ = 0;
};

bool read_length(BitUnpacker& from, unsigned before, unsigned& length) {
  unsigned changed, far, bits;
  if (!from.take(1, changed)) return false;
  length = before;
  if (changed == 0) return true;
  if (!from.take(1, far) || !from.take(far != 0 ? 4 : 1, bits)) return false;
  length = far != 0 ? bits : bits != 0 ? before + 1 : before - 1;
  return length <= kMaxCodeLength;  // 0 - 1 is none
}

}  // namespace

std::size_t description_size(const HuffmanCode& code) {
  if (code.first == code.last) return 2;
  unsigned bits = 0, before = kFirstGuess;
  for (unsigned s = code.first; s <= code.last; before = code.length[s++]) bits += step_bits(code.length[s], before);
  return 2 + (bits + 7) / 8;
}

void write_description(const HuffmanCode& code, Writer& to) {
  to.number(1, code.first);
  to.number(1, code.last);
  if (code.first == code.last) return;
  BitPacker packer(to);
  unsigned before = kFirstGuess;
  for (unsigned s = code.first; s <= code.last; before = code.length[s++]) {
    const unsigned length = code.length[s], size = step_bits(length, before);
    if (size == 1) packer.put(0, 1);
    if (size == 3) packer.put(length > before ? 5 : 1, 3);
    if (size == 6) packer.put(3 | (length << 2), 6);
  }
  packer.end();
}

bool read_description(Reader& from, HuffmanCode& code) {
  code = HuffmanCode{};
  std::uint32_t first, last;
  if (!from.number(1, first) || !from.number(1, last) || first > last) return false;
  code.first = first;
  code.last = last;
  if (first == last) return true;
  BitUnpacker unpacker(from);
  std::uint32_t space = 0;
  unsigned length = kFirstGuess;
  for (unsigned s = first; s <= last; ++s) {
    if (!read_length(unpacker, length, length)) return false;
    code.length[s] = static_cast<std::uint8_t>(length);
    if (length != 0) space += 1u << (kMaxCodeLength - length);
    code.longest = std::max(code.longest, length);
  }
  return space == 1u << kMaxCodeLength && unpacker.padded_with_zeros();
}

unsigned sort_symbols(const HuffmanCode& code, std::uint8_t sorted[256]) {
  unsigned start[kMaxCodeLength + 2] = {};
  for (unsigned s = code.first; s <= code.last; ++s) ++start[code.length[s] + 1];
  start[1] = 0;  // symbols that do not occur are not listed
  for (unsigned length = 1; length <= kMaxCodeLength; ++length) start[length + 1] += start[length];
  for (unsigned s = code.first; s <= code.last; ++s)
    if (code.length[s] != 0) sorted[start[code.length[s]]++] = static_cast<std::uint8_t>(s);
  return start[kMaxCodeLength];
}

std::uint64_t coded_bits(const HuffmanCode& code, const std::uint32_t counts[256]) {
  std::uint64_t bits = 0;
  for (unsigned s = 0; s < 256; ++s) bits += static_cast<std::uint64_t>(counts[s]) * code.length[s];
  return bits;
}

}  // namespace weighbridge
