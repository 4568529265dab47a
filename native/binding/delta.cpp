// Residuals of predicted blocks for Python: checks arguments, owns memory and scratch, releases the GIL.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <memory>
#include <vector>

#include "delta_cast.hpp"
#include "delta_residual.hpp"

namespace nb = nanobind;
using namespace weighbridge;
using Input = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

namespace {

// One per thread and kept: fresh pages for every block would cost as much as the block.
template <typename Scratch>
Scratch& scratch() {
  thread_local const std::unique_ptr<Scratch> kept(new Scratch);
  return *kept;
}

const char* explain(DeltaFault fault) {
  switch (fault) {
    case DeltaFault::length:
      return "residual: cut short";
    case DeltaFault::part:
      return "residual: the header of a part is impossible";
    case DeltaFault::contexts:
      return "residual: contexts, labels or their map are impossible";
    case DeltaFault::labels:
      return "residual: the labels of runs are damaged";
    case DeltaFault::counts:
      return "residual: contexts have not the elements that they should";
    case DeltaFault::symbols:
      return "residual: the symbols of a context are damaged";
    case DeltaFault::trailing:
      return "residual: bytes left over after the last part";
    default:
      return "residual: damaged";
  }
}

Path path_for(bool portable) { return portable ? Path::portable : best_path(); }

void check_kind(unsigned kind, std::size_t size) {
  if (kind >= kDeltaKinds) throw nb::value_error("unknown kind of number; expected 0 to 9");
  if (size % kDeltaKind[kind].width != 0) throw nb::value_error("the input is not a whole number of elements");
}

nb::bytes new_bytes(std::size_t size) {
  PyObject* result = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size));
  if (result == nullptr) throw nb::python_error();
  return nb::steal<nb::bytes>(result);
}

std::uint8_t* start_of(nb::bytes& bytes) { return reinterpret_cast<std::uint8_t*>(PyBytes_AsString(bytes.ptr())); }

nb::bytes encode(const Input& raw, const Input& predicted, unsigned kind, bool portable) {
  check_kind(kind, raw.size());
  if (raw.size() != predicted.size()) throw nb::value_error("a block and its prediction differ in length");
  thread_local std::vector<std::uint8_t> residual;
  if (residual.size() < residual_bound(raw.size())) residual.resize(residual_bound(raw.size()));
  std::size_t size;
  {
    nb::gil_scoped_release release;
    size = encode_residual(kind, raw.data(), predicted.data(), raw.size(), residual.data(),
                           scratch<DeltaEncodeScratch>(), path_for(portable));
  }
  return nb::bytes(residual.data(), size);
}

nb::bytes decode(const Input& residual, const Input& predicted, unsigned kind, bool portable) {
  check_kind(kind, predicted.size());
  nb::bytes raw = new_bytes(predicted.size());
  std::uint8_t* to = start_of(raw);
  DeltaFault fault;
  {
    nb::gil_scoped_release release;
    fault = decode_residual(kind, {residual.data(), residual.size()}, predicted.data(), predicted.size(), to,
                            scratch<DeltaDecodeScratch>(), path_for(portable));
  }
  if (fault != DeltaFault::none) throw nb::value_error(explain(fault));
  return raw;
}

nb::bytes cast(const Input& words, unsigned from, unsigned to, bool portable) {
  if (from < 1 || from > 3 || to < 1 || to > 3 || from == to)
    throw nb::value_error("expected two different kinds of 1 (bf16), 2 (fp16) and 3 (fp32)");
  const std::size_t width = from == 3 ? 4 : 2;
  if (words.size() % width != 0) throw nb::value_error("the input is not a whole number of elements");
  const std::size_t count = words.size() / width;
  nb::bytes result = new_bytes(count * (to == 3 ? 4 : 2));
  std::uint8_t* out = start_of(result);
  {
    nb::gil_scoped_release release;
    cast_words(static_cast<CastKind>(from), static_cast<CastKind>(to), words.data(), count, out, path_for(portable));
  }
  return result;
}

}  // namespace

void register_delta(nb::module_& m) {
  m.def("encode_residual", encode, nb::arg("raw").noconvert(), nb::arg("predicted").noconvert(), nb::arg("kind"),
        nb::arg("portable") = false);
  m.def("decode_residual", decode, nb::arg("residual").noconvert(), nb::arg("predicted").noconvert(), nb::arg("kind"),
        nb::arg("portable") = false);
  m.def("cast_words", cast, nb::arg("words").noconvert(), nb::arg("from_kind"), nb::arg("to_kind"),
        nb::arg("portable") = false);
}
