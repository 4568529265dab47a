// The kernel's Python face: checks every argument, owns the memory, releases the GIL. The kernels check nothing.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <vector>

#include "content.hpp"
#include "fields.hpp"

namespace nb = nanobind;
void register_delta(nb::module_& m);      // delta.cpp
void register_huffman(nb::module_& m);    // huffman.cpp
void register_lowrank(nb::module_& m);    // lowrank.cpp
void register_quantised(nb::module_& m);  // quantised.cpp
using Bytes = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

namespace {

void check_width(std::size_t width) {
  if (width != 2 && width != 4 && width != 8) throw nb::value_error("width must be 2, 4 or 8 bytes");
}

// A new bytes object of `size` bytes that `fill` writes without the GIL.
template <typename Fill>
nb::bytes new_bytes(std::size_t size, Fill fill) {
  PyObject* result = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size));
  if (result == nullptr) throw nb::python_error();
  auto* out = reinterpret_cast<std::uint8_t*>(PyBytes_AsString(result));
  {
    nb::gil_scoped_release release;
    fill(out);
  }
  return nb::steal<nb::bytes>(result);
}

nb::bytes split_planes(const Bytes& elements, unsigned width, bool rotate, bool portable) {
  check_width(width);
  if (elements.size() % width != 0) throw nb::value_error("the input is not a whole number of elements");
  const auto kernel = portable ? weighbridge::split_planes_portable : weighbridge::split_planes;
  return new_bytes(elements.size(),
                   [&](std::uint8_t* out) { kernel(elements.data(), out, elements.size() / width, width, rotate); });
}

nb::bytes merge_planes(const std::vector<Bytes>& planes, bool rotate, bool portable) {
  check_width(planes.size());
  std::array<const std::uint8_t*, weighbridge::kMaxWidth> starts{};
  for (std::size_t p = 0; p < planes.size(); ++p) {
    if (planes[p].size() != planes[0].size()) throw nb::value_error("the planes differ in length");
    starts[p] = planes[p].data();
  }
  const auto kernel = portable ? weighbridge::merge_planes_portable : weighbridge::merge_planes;
  const std::size_t count = planes[0].size();
  const auto width = static_cast<unsigned>(planes.size());
  return new_bytes(count * width, [&](std::uint8_t* out) { kernel(starts.data(), out, count, width, rotate); });
}

std::size_t record_length(const std::vector<std::size_t>& widths) {
  std::size_t record = 0;
  for (const std::size_t width : widths) {
    if (width == 0 || width > 65536) throw nb::value_error("a column must have 1 to 65,536 bytes");
    record += width;
  }
  if (record == 0) throw nb::value_error("a record needs at least one column");
  return record;
}

nb::bytes split_records(const Bytes& records, const std::vector<std::size_t>& widths) {
  const std::size_t record = record_length(widths);
  if (records.size() % record != 0) throw nb::value_error("the input is not a whole number of records");
  const std::size_t count = records.size() / record;
  return new_bytes(records.size(), [&](std::uint8_t* out) {
    std::size_t at = 0;
    for (const std::size_t width : widths) {
      weighbridge::take_column(records.data(), out + at * count, count, record, at, width);
      at += width;
    }
  });
}

nb::bytes merge_records(const std::vector<Bytes>& columns, const std::vector<std::size_t>& widths) {
  const std::size_t record = record_length(widths);
  if (columns.size() != widths.size()) throw nb::value_error("expected one width for each column");
  const std::size_t count = columns[0].size() / widths[0];
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (columns[c].size() != count * widths[c]) throw nb::value_error("the columns differ in their number of records");
  }
  return new_bytes(record * count, [&](std::uint8_t* out) {
    std::size_t at = 0;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      weighbridge::put_column(columns[c].data(), out, count, record, at, widths[c]);
      at += widths[c];
    }
  });
}

std::size_t next_cut(const Bytes& data, std::size_t least, unsigned bits, std::size_t most) {
  if (least < weighbridge::kGearWindow || most < least) throw nb::value_error("expected 64 <= least <= most");
  if (bits < 1 || bits > 63) throw nb::value_error("bits must be 1 to 63");
  nb::gil_scoped_release release;
  return weighbridge::next_cut(data.data(), data.size(), least, bits, most);
}

double least_entropy(const Bytes& data, std::size_t window, std::size_t sample) {
  if (window == 0 || window > 0xFFFFFFFFu) throw nb::value_error("a window must have 1 byte to 4 GiB");
  if (sample == 0) throw nb::value_error("a sample must have at least one byte");
  nb::gil_scoped_release release;
  return weighbridge::least_entropy(data.data(), data.size(), window, sample);
}

double repeat_share(const Bytes& data, std::size_t words, bool portable) {
  if (words != 1 && words != 2 && words != 4) throw nb::value_error("words must be 1, 2 or 4");
  nb::gil_scoped_release release;
  return weighbridge::repeat_share(data.data(), data.size(), words,
                                   portable ? weighbridge::Path::portable : weighbridge::best_path());
}

}  // namespace

NB_MODULE(_native, m) {
  using namespace nb::literals;
  // noconvert: an array of floats is refused, not turned into bytes by value.
  m.def("split_planes", split_planes, "elements"_a.noconvert(), "width"_a, "rotate"_a, "portable"_a = false);
  m.def("merge_planes", merge_planes, "planes"_a.noconvert(), "rotate"_a, "portable"_a = false);
  m.def("split_records", split_records, "records"_a.noconvert(), "widths"_a);
  m.def("merge_records", merge_records, "columns"_a.noconvert(), "widths"_a);
  m.def("next_cut", next_cut, "data"_a.noconvert(), "least"_a, "bits"_a, "most"_a);
  m.def("least_entropy", least_entropy, "data"_a.noconvert(), "window"_a, "sample"_a);
  m.def("repeat_share", repeat_share, "data"_a.noconvert(), "words"_a = 1, "portable"_a = false);
  m.def("has_avx2", weighbridge::has_avx2);
  register_huffman(m);
  register_lowrank(m);
  register_quantised(m);
  register_delta(m);
}
