// Quantised blocks for Python: checks arguments, owns memory and scratch, releases the GIL.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <memory>
#include <vector>

#include "quantised.hpp"

namespace nb = nanobind;
using namespace weighbridge;
using Input = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

namespace {

// One per thread and kept: fresh pages for every block would cost as much as the block.
QuantisedScratch& scratch() {
  thread_local const std::unique_ptr<QuantisedScratch> kept(new QuantisedScratch);
  return *kept;
}

const char* explain(QuantisedFault fault) {
  switch (fault) {
    case QuantisedFault::version:
      return "quantised block: unknown version; expected 1";
    case QuantisedFault::format:
      return "quantised block: unknown format";
    case QuantisedFault::length:
      return "quantised block: cut short, or its size is not the one expected";
    case QuantisedFault::part:
      return "quantised block: the header of a part or column is impossible";
    case QuantisedFault::clusters:
      return "quantised block: its clusters do not fit the contexts of its units";
    case QuantisedFault::code:
      return "quantised block: a Huffman code or a stream coded with it is damaged";
    case QuantisedFault::symbol:
      return "quantised block: a number has more bits than its format";
    case QuantisedFault::trailing:
      return "quantised block: bytes left over after the last part";
    default:
      return "quantised block: damaged";
  }
}

Path path_for(bool portable) { return portable ? Path::portable : best_path(); }

nb::bytes encode(const Input& raw, unsigned format, bool portable) {
  if (format >= kQuantisedFormats) throw nb::value_error("unknown format; expected 0 to 6");
  thread_local std::vector<std::uint8_t> packed;
  if (packed.size() < quantised_bound(raw.size())) packed.resize(quantised_bound(raw.size()));
  std::size_t size = 0;
  {
    nb::gil_scoped_release release;
    size = encode_quantised(static_cast<Quantised>(format), {raw.data(), raw.size()}, packed.data(), scratch(),
                            path_for(portable));
  }
  return nb::bytes(packed.data(), size);
}

nb::bytes decode(const Input& packed, std::size_t size, bool portable) {
  PyObject* result = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size));
  if (result == nullptr) throw nb::python_error();
  nb::bytes raw = nb::steal<nb::bytes>(result);
  QuantisedFault fault;
  {
    auto* out = reinterpret_cast<std::uint8_t*>(PyBytes_AsString(result));
    nb::gil_scoped_release release;
    fault = decode_quantised({packed.data(), packed.size()}, out, size, scratch(), path_for(portable));
  }
  if (fault != QuantisedFault::none) throw nb::value_error(explain(fault));
  return raw;
}

}  // namespace

void register_quantised(nb::module_& m) {
  m.def("encode_quantised", encode, nb::arg("raw").noconvert(), nb::arg("kind"), nb::arg("portable") = false);
  m.def("decode_quantised", decode, nb::arg("packed").noconvert(), nb::arg("size"), nb::arg("portable") = false);
}
