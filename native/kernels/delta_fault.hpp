// Why a residual could not be decoded; `none` if it was.
#pragma once

namespace weighbridge {

enum class DeltaFault { none, length, part, form, contexts, labels, counts, symbols, streams, extra, trailing };

}  // namespace weighbridge
