// Packed blocks of numbers for Python: checks arguments, owns memory and scratch, releases the GIL.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <memory>
#include <vector>

#include "float_block.hpp"

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

const char* explain(Fault fault) {
  switch (fault) {
    case Fault::version:
      return "packed block: unknown version; expected 1";
    case Fault::kind:
      return "packed block: unknown kind of number";
    case Fault::length:
      return "packed block: cut short, or its size is not the one expected";
    case Fault::part:
      return "packed block: the header of a part is impossible";
    case Fault::code:
      return "packed block: a Huffman code or a stream coded with it is damaged";
    case Fault::labels:
      return "packed block: labels of runs do not fit their clusters";
    case Fault::trailing:
      return "packed block: bytes left over after the last part";
    default:
      return "packed block: damaged";
  }
}

Path path_for(bool portable) { return portable ? Path::portable : best_path(); }

std::size_t encode_to(const Input& raw, unsigned kind, std::size_t row_length, std::size_t row_offset, bool portable,
                      std::uint8_t* block) {
  if (row_length > kMaxPart) row_length = 0;
  if (row_length != 0) row_offset %= row_length;
  const Rows rows{row_length, row_offset};
  nb::gil_scoped_release release;
  return encode_block(static_cast<Kind>(kind), {raw.data(), raw.size()}, rows, block, scratch<EncodeScratch>(),
                      path_for(portable));
}

void check_raw(const Input& raw, unsigned kind) {
  if (kind >= kKinds) throw nb::value_error("unknown kind of number; expected 0 to 6");
  if (raw.size() % kind_width(static_cast<Kind>(kind)) != 0)
    throw nb::value_error("the input is not a whole number of elements");
}

nb::bytes encode(const Input& raw, unsigned kind, std::size_t row_length, std::size_t row_offset, bool portable) {
  check_raw(raw, kind);
  thread_local std::vector<std::uint8_t> block;
  if (block.size() < encode_bound(raw.size())) block.resize(encode_bound(raw.size()));
  return nb::bytes(block.data(), encode_to(raw, kind, row_length, row_offset, portable, block.data()));
}

// Into memory that the caller keeps, at least `encode_bound` of it: returns the size of the block.
std::size_t encode_into(const Input& raw, unsigned kind, Output& out, std::size_t row_length, std::size_t row_offset,
                        bool portable) {
  check_raw(raw, kind);
  if (out.size() < encode_bound(raw.size())) throw nb::value_error("the output has less than encode_bound bytes");
  return encode_to(raw, kind, row_length, row_offset, portable, out.data());
}

void decode_to(const Input& block, std::uint8_t* out, std::size_t size, bool portable) {
  Fault fault;
  {
    nb::gil_scoped_release release;
    fault = decode_block({block.data(), block.size()}, out, size, scratch<DecodeScratch>(), path_for(portable));
  }
  if (fault != Fault::none) throw nb::value_error(explain(fault));
}

nb::bytes decode(const Input& block, std::size_t size, bool portable) {
  PyObject* result = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size));
  if (result == nullptr) throw nb::python_error();
  nb::bytes raw = nb::steal<nb::bytes>(result);
  decode_to(block, reinterpret_cast<std::uint8_t*>(PyBytes_AsString(result)), size, portable);
  return raw;
}

void decode_into(const Input& block, Output& out, bool portable) { decode_to(block, out.data(), out.size(), portable); }

}  // namespace

void register_huffman(nb::module_& m) {
  m.def("encode_block", encode, nb::arg("raw").noconvert(), nb::arg("kind"), nb::arg("row_length") = 0,
        nb::arg("row_offset") = 0, nb::arg("portable") = false);
  m.def("encode_bound", encode_bound, nb::arg("size"));
  m.def("encode_block_into", encode_into, nb::arg("raw").noconvert(), nb::arg("kind"), nb::arg("out").noconvert(),
        nb::arg("row_length") = 0, nb::arg("row_offset") = 0, nb::arg("portable") = false);
  m.def("decode_block", decode, nb::arg("block").noconvert(), nb::arg("size"), nb::arg("portable") = false);
  m.def("decode_block_into", decode_into, nb::arg("block").noconvert(), nb::arg("out").noconvert(),
        nb::arg("portable") = false);
}
