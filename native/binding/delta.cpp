// Residuals of predicted blocks for Python: checks arguments, owns memory and scratch, releases the GIL.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstring>
#include <memory>
#include <vector>

#include "delta_cast.hpp"
#include "delta_residual.hpp"

namespace nb = nanobind;
using namespace weighbridge;
using Input = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Output = nb::ndarray<std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

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
    case DeltaFault::form:
      return "residual: a part has a form that is none, or newer than this version";
    case DeltaFault::contexts:
      return "residual: contexts, labels or their map are impossible";
    case DeltaFault::labels:
      return "residual: the labels of runs are damaged";
    case DeltaFault::counts:
      return "residual: counts of codes or of elements in contexts are impossible";
    case DeltaFault::symbols:
      return "residual: the symbols of a context are damaged";
    case DeltaFault::streams:
      return "residual: a stream of states is damaged, or does not end where it should";
    case DeltaFault::extra:
      return "residual: the extra bits are damaged, or do not end where they should";
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

// The residual after `head`, which saves whoever writes a payload a copy of it.
nb::bytes encode(const Input& raw, const Input& predicted, unsigned kind, bool portable, const nb::bytes& head) {
  check_kind(kind, raw.size());
  if (raw.size() != predicted.size()) throw nb::value_error("a block and its prediction differ in length");
  thread_local std::vector<std::uint8_t> payload;
  const std::size_t before = head.size(), most = before + residual_bound(raw.size());
  if (payload.size() < most) payload.resize(most);
  if (before != 0) std::memcpy(payload.data(), head.c_str(), before);
  std::size_t size;
  {
    nb::gil_scoped_release release;
    size = encode_residual(kind, raw.data(), predicted.data(), raw.size(), payload.data() + before,
                           scratch<DeltaEncodeScratch>(), path_for(portable));
  }
  return nb::bytes(payload.data(), before + size);
}

void decode_to(const Input& residual, const Input& predicted, unsigned kind, std::uint8_t* out, bool portable,
               unsigned version) {
  if (version < 1 || version > kDeltaVersion) throw nb::value_error("unknown version of codec 6; expected 1 or 2");
  DeltaFault fault;
  {
    nb::gil_scoped_release release;
    fault = decode_residual(version, kind, {residual.data(), residual.size()}, predicted.data(), predicted.size(), out,
                            scratch<DeltaDecodeScratch>(), path_for(portable));
  }
  if (fault != DeltaFault::none) throw nb::value_error(explain(fault));
}

nb::bytes decode(const Input& residual, const Input& predicted, unsigned kind, bool portable, unsigned version) {
  check_kind(kind, predicted.size());
  nb::bytes raw = new_bytes(predicted.size());
  decode_to(residual, predicted, kind, start_of(raw), portable, version);
  return raw;
}

void decode_into(const Input& residual, const Input& predicted, unsigned kind, Output& out, bool portable,
                 unsigned version) {
  check_kind(kind, predicted.size());
  if (out.size() != predicted.size()) throw nb::value_error("the output and the prediction differ in length");
  decode_to(residual, predicted, kind, out.data(), portable, version);
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
        nb::arg("portable") = false, nb::arg("head") = nb::bytes("", 0));
  m.def("decode_residual_into", decode_into, nb::arg("residual").noconvert(), nb::arg("predicted").noconvert(),
        nb::arg("kind"), nb::arg("out").noconvert(), nb::arg("portable") = false, nb::arg("version") = kDeltaVersion);
  m.def("decode_residual", decode, nb::arg("residual").noconvert(), nb::arg("predicted").noconvert(), nb::arg("kind"),
        nb::arg("portable") = false, nb::arg("version") = kDeltaVersion);
  m.def("cast_words", cast, nb::arg("words").noconvert(), nb::arg("from_kind"), nb::arg("to_kind"),
        nb::arg("portable") = false);
}
