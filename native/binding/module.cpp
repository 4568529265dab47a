// The kernel's Python face: checks sizes, allocates the result, releases the GIL.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "fields.hpp"

namespace nb = nanobind;
using Bytes = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

namespace {

template <typename Kernel>
nb::bytes transform(const Bytes& input, unsigned width, bool rotate, Kernel kernel) {
  if (width != 2 && width != 4 && width != 8) throw nb::value_error("width must be 2, 4 or 8 bytes");
  if (input.size() % width != 0) throw nb::value_error("the input is not a whole number of elements");
  PyObject* result = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(input.size()));
  if (result == nullptr) throw nb::python_error();
  auto* out = reinterpret_cast<std::uint8_t*>(PyBytes_AsString(result));
  {
    nb::gil_scoped_release release;
    kernel(input.data(), out, input.size() / width, width, rotate);
  }
  return nb::steal<nb::bytes>(result);
}

}  // namespace

NB_MODULE(_native, m) {
  m.def("split_fields", [](const Bytes& e, unsigned w, bool r) { return transform(e, w, r, weighbridge::split_fields); },
        nb::arg("elements"), nb::arg("width"), nb::arg("rotate"));
  m.def("merge_fields", [](const Bytes& p, unsigned w, bool r) { return transform(p, w, r, weighbridge::merge_fields); },
        nb::arg("planes"), nb::arg("width"), nb::arg("rotate"));
}
