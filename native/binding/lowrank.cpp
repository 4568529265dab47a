// The Python face of lowrank.hpp: every argument is checked here.
#include "lowrank.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <vector>

namespace nb = nanobind;
using Bytes = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

namespace {

constexpr std::size_t kMostRank = 256, kMostSide = std::size_t{1} << 31;
constexpr int kLargestExponent = 32;

weighbridge::Number number_of(unsigned kind) {
  if (kind < 1 || kind > 3) throw nb::value_error("the numbers must be of kind 1 (bf16), 2 (fp16) or 3 (fp32)");
  return static_cast<weighbridge::Number>(kind);
}

weighbridge::LowRank plan_of(const Bytes& factors, const Bytes& exponents, std::size_t rows, std::size_t columns,
                             unsigned width) {
  const std::size_t rank = exponents.size();
  if (rank < 1 || rank > kMostRank) throw nb::value_error("the rank must be 1 to 256");
  if (rows < 1 || rows > kMostSide || columns < 1 || columns > kMostSide)
    throw nb::value_error("rows and columns must be 1 to 2^31");
  if (width < 1 || width > 4) throw nb::value_error("factors must have 1 to 4 bytes each");
  if (factors.size() != rank * (rows + columns) * width)
    throw nb::value_error("the factors do not have the size that rank, rows, columns and width say");
  const auto* signed_exponents = reinterpret_cast<const std::int8_t*>(exponents.data());
  for (std::size_t k = 0; k < rank; ++k)
    if (signed_exponents[k] > kLargestExponent) throw nb::value_error("an exponent of the factors is above 32");
  return {factors.data(), signed_exponents, rank, rows, columns, width, false, {}, {}};
}

nb::bytes predict(const Bytes& base, unsigned base_kind, unsigned kind, const Bytes& factors, const Bytes& exponents,
                  std::size_t rows, std::size_t columns, unsigned width, std::size_t first, bool round_difference,
                  bool portable) {
  weighbridge::LowRank plan = plan_of(factors, exponents, rows, columns, width);
  plan.base = number_of(base_kind);
  plan.number = number_of(kind);
  plan.round_difference = round_difference;
  const std::size_t count = base.size() / weighbridge::number_bytes(plan.base);
  if (count * weighbridge::number_bytes(plan.base) != base.size())
    throw nb::value_error("the base is not a whole number of elements");
  if (first > rows * columns || count > rows * columns - first)
    throw nb::value_error("the elements do not lie within rows and columns");
  const std::size_t size = count * weighbridge::number_bytes(plan.number);
  PyObject* result = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size));
  if (result == nullptr) throw nb::python_error();
  auto owned = nb::steal<nb::bytes>(result);
  auto* out = reinterpret_cast<std::uint8_t*>(PyBytes_AsString(result));
  std::vector<double> scratch(weighbridge::low_rank_scratch(plan.rank));
  {
    nb::gil_scoped_release release;
    const auto path = portable ? weighbridge::Path::portable : weighbridge::best_path();
    weighbridge::predict_low_rank(plan, base.data(), first, count, scratch.data(), out, path);
  }
  return owned;
}

}  // namespace

void register_lowrank(nb::module_& m) {
  using namespace nb::literals;
  m.def("predict_low_rank", predict, "base"_a.noconvert(), "base_kind"_a, "kind"_a, "factors"_a.noconvert(),
        "exponents"_a.noconvert(), "rows"_a, "columns"_a, "width"_a, "first"_a, "round_difference"_a,
        "portable"_a = false);
}
