// What the writer and the reader of quantised blocks agree on: where parameters stand in a record, which contexts they
// give, and how numbers become symbols. A unit is a sub-block: `symbols` symbols of one context.
#pragma once
#include <algorithm>

#include "quantised.hpp"

namespace weighbridge {

constexpr unsigned kQuantisedVersion = 1;
constexpr unsigned kWindow = 32;  // records over which a scale is compared with others

// Bytes at the same place of every record. `low` tells the lower byte of an f16 whose upper byte follows it in the record
// and comes before it among the columns: scales that were bf16 once leave few lower bytes for each upper one.
struct Column {
  std::uint8_t at, width;
  bool low = false;
};
enum ColumnMode : unsigned { kColumnPlain = 0, kColumnCoded = 1, kColumnByQuarter = 2 };

struct RecordFormat {
  std::size_t record, units, symbols;  // bytes; units of a record; symbols of a unit
  unsigned limit;                      // symbols are below
  unsigned columns;
  Column column[7];

  std::size_t symbols_each() const { return units * symbols; }
};

constexpr RecordFormat kRecordFormats[kQuantisedFormats] = {
    {18, 1, 16, 256, 2, {{1, 1}, {0, 1, true}}},
    {22, 1, 32, 32, 2, {{1, 1}, {0, 1, true}}},
    {34, 1, 32, 256, 2, {{1, 1}, {0, 1, true}}},
    {144, 8, 16, 256, 7, {{1, 1}, {0, 1, true}, {3, 1}, {2, 1, true}, {4, 4}, {8, 4}, {12, 4}}},
    {176, 8, 32, 32, 7, {{1, 1}, {0, 1, true}, {3, 1}, {2, 1, true}, {4, 4}, {8, 4}, {12, 4}}},
    {210, 16, 16, 64, 3, {{192, 16}, {209, 1}, {208, 1, true}}},
    {8, 1, 1, 256, 0, {}},
};

inline const RecordFormat& record_format(Quantised format) { return kRecordFormats[static_cast<unsigned>(format)]; }

// ---- contexts

// A context for each record of a window: how its scale compares with their mean, in eighths of an octave.
inline void window_contexts(const std::uint8_t* records, std::size_t count, std::size_t record, std::uint8_t* context) {
  int scale[kWindow], sum = 0;
  for (std::size_t r = 0; r < count; ++r) {
    scale[r] = load_le<std::uint16_t>(records + r * record) & 0x7fff;
    sum += scale[r];
  }
  const int mean = sum / static_cast<int>(count);
  for (std::size_t r = 0; r < count; ++r)
    context[r] = static_cast<std::uint8_t>(std::clamp((scale[r] - mean + 8 * 128) >> 7, 0, 15));
}

// The magnitude of an f16 in units of 2^-24; infinities and NaN as if their exponent were an ordinary one.
inline std::uint64_t half_magnitude(const std::uint8_t* half) {
  const std::uint32_t bits = load_le<std::uint16_t>(half), exponent = (bits >> 10) & 31, fraction = bits & 1023;
  return exponent == 0 ? fraction : static_cast<std::uint64_t>(1024 + fraction) << (exponent - 1);
}

// A context for each of the eight sub-blocks: the place of zero among the levels, in halves of one, less 8.
inline void zero_contexts(const std::uint8_t* record, std::uint8_t* context) {
  const std::uint64_t scale = half_magnitude(record), least = half_magnitude(record + 2);
  const std::uint8_t* packed = record + 4;
  for (unsigned j = 0; j < 8; ++j) {
    const unsigned s = j < 4 ? packed[j] & 63u : (packed[j + 4] & 15u) | (packed[j - 4] >> 6 << 4);
    const unsigned m = j < 4 ? packed[j + 4] & 63u : (packed[j + 4] >> 4u) | (packed[j] >> 6 << 4);
    const std::uint64_t step = s * scale, low = 2 * m * least;
    const std::uint64_t place = low >= 23 * step ? 23 : low / step;
    context[j] = static_cast<std::uint8_t>(place < 8 ? 0 : place - 8);
  }
}

// A context for each of sixteen sub-blocks: how its scale compares with their mean, in eighths of that.
inline void scale_contexts(const std::uint8_t* record, std::uint8_t* context) {
  unsigned size[16], sum = 0;
  for (unsigned j = 0; j < 16; ++j) {
    const unsigned scale = record[192 + j];
    size[j] = scale < 128 ? scale : 256 - scale;
    sum += size[j];
  }
  for (unsigned j = 0; j < 16; ++j) context[j] = static_cast<std::uint8_t>(sum == 0 ? 0 : std::min(15u, 128 * size[j] / sum));
}

inline void find_contexts(Quantised format, const std::uint8_t* records, std::size_t count, std::uint8_t* context) {
  const RecordFormat& shape = record_format(format);
  if (format == Quantised::boolean) {
    std::fill_n(context, count, std::uint8_t{0});
  } else if (format <= Quantised::q8_0) {
    for (std::size_t r = 0; r < count; r += kWindow)
      window_contexts(records + r * shape.record, std::min<std::size_t>(kWindow, count - r), shape.record, context + r);
  } else {
    const auto of_record = format == Quantised::q6_k ? scale_contexts : zero_contexts;
    for (std::size_t r = 0; r < count; ++r) of_record(records + r * shape.record, context + r * shape.units);
  }
}

// ---- numbers and symbols

// The symbols of a record, `to[u]` being where those of unit u go.
template <Quantised F>
WEIGHBRIDGE_INLINE void split_record(const std::uint8_t* record, std::uint8_t* const* to) {
  if constexpr (F == Quantised::q4_0) {
    std::memcpy(to[0], record + 2, 16);
  } else if constexpr (F == Quantised::q8_0) {
    std::memcpy(to[0], record + 2, 32);
  } else if constexpr (F == Quantised::q5_0) {
    const std::uint32_t high = load_le<std::uint32_t>(record + 2);
    for (unsigned i = 0; i < 16; ++i) {
      to[0][i] = static_cast<std::uint8_t>((record[6 + i] & 15) | ((high >> i & 1) << 4));
      to[0][16 + i] = static_cast<std::uint8_t>(record[6 + i] >> 4 | ((high >> (16 + i) & 1) << 4));
    }
  } else if constexpr (F == Quantised::q4_k) {
    for (unsigned j = 0; j < 4; ++j) {
      const std::uint8_t* bytes = record + 16 + 32 * j;
      for (unsigned i = 0; i < 16; ++i) {
        const std::uint32_t two = load_le<std::uint16_t>(bytes + 2 * i);
        to[2 * j][i] = static_cast<std::uint8_t>((two & 15) | (two >> 4 & 0xf0));
        to[2 * j + 1][i] = static_cast<std::uint8_t>((two >> 4 & 15) | (two >> 8 & 0xf0));
      }
    }
  } else if constexpr (F == Quantised::q5_k) {
    for (unsigned j = 0; j < 4; ++j) {
      for (unsigned i = 0; i < 32; ++i) {
        const unsigned high = record[16 + i], low = record[48 + 32 * j + i];
        to[2 * j][i] = static_cast<std::uint8_t>((low & 15) | ((high >> (2 * j) & 1) << 4));
        to[2 * j + 1][i] = static_cast<std::uint8_t>(low >> 4 | ((high >> (2 * j + 1) & 1) << 4));
      }
    }
  } else if constexpr (F == Quantised::q6_k) {
    for (unsigned u = 0; u < 16; ++u) {
      const unsigned half = u / 8, group = u % 8 / 2, start = 16 * (u % 2);
      const std::uint8_t* low = record + 64 * half + 32 * (group % 2) + start;
      const std::uint8_t* high = record + 128 + 32 * half + start;
      for (unsigned i = 0; i < 16; ++i)
        to[u][i] = static_cast<std::uint8_t>((low[i] >> (group / 2 * 4) & 15) | ((high[i] >> (2 * group) & 3) << 4));
    }
  } else {
    const std::uint64_t eight = load_le<std::uint64_t>(record);  // eight bytes, all 0 or 1
    to[0][0] = static_cast<std::uint8_t>((eight * 0x0102040810204080ull) >> 56);
  }
}

template <Quantised F>
WEIGHBRIDGE_INLINE void merge_record(const std::uint8_t* const* from, std::uint8_t* record) {
  if constexpr (F == Quantised::q4_0) {
    std::memcpy(record + 2, from[0], 16);
  } else if constexpr (F == Quantised::q8_0) {
    std::memcpy(record + 2, from[0], 32);
  } else if constexpr (F == Quantised::q5_0) {
    std::uint32_t high = 0;
    for (unsigned i = 0; i < 16; ++i) {
      const unsigned a = from[0][i], b = from[0][16 + i];
      record[6 + i] = static_cast<std::uint8_t>((a & 15) | b << 4);
      high |= (a >> 4) << i | (b >> 4) << (16 + i);
    }
    store_le(record + 2, high);
  } else if constexpr (F == Quantised::q4_k) {
    for (unsigned j = 0; j < 4; ++j) {
      for (unsigned i = 0; i < 16; ++i) {
        const unsigned a = from[2 * j][i], b = from[2 * j + 1][i];
        const unsigned two = (a & 15) | (a & 0xf0) << 4 | (b & 15) << 4 | (b & 0xf0) << 8;
        store_le(record + 16 + 32 * j + 2 * i, static_cast<std::uint16_t>(two));
      }
    }
  } else if constexpr (F == Quantised::q5_k) {
    std::uint8_t high[32] = {};
    for (unsigned j = 0; j < 4; ++j) {
      for (unsigned i = 0; i < 32; ++i) {
        const unsigned a = from[2 * j][i], b = from[2 * j + 1][i];
        record[48 + 32 * j + i] = static_cast<std::uint8_t>((a & 15) | b << 4);
        high[i] = static_cast<std::uint8_t>(high[i] | (a >> 4) << (2 * j) | (b >> 4) << (2 * j + 1));
      }
    }
    std::memcpy(record + 16, high, 32);
  } else if constexpr (F == Quantised::q6_k) {
    for (unsigned half = 0; half < 2; ++half) {
      const std::uint8_t* const* units = from + 8 * half;
      for (unsigned p = 0; p < 2; ++p) {
        for (unsigned i = 0; i < 16; ++i) {
          const unsigned a = units[p][i], b = units[2 + p][i], c = units[4 + p][i], d = units[6 + p][i];
          record[64 * half + 16 * p + i] = static_cast<std::uint8_t>((a & 15) | c << 4);
          record[64 * half + 32 + 16 * p + i] = static_cast<std::uint8_t>((b & 15) | d << 4);
          record[128 + 32 * half + 16 * p + i] =
              static_cast<std::uint8_t>(a >> 4 | b >> 4 << 2 | c >> 4 << 4 | d >> 4 << 6);
        }
      }
    }
  } else {
    for (unsigned i = 0; i < 8; ++i) record[i] = from[0][0] >> i & 1;
  }
}

}  // namespace weighbridge
