/* Which edges of the kernels ran: GCC's -fsanitize-coverage=trace-pc calls this at each. Preloaded by fuzz/run.py. */
#include <stdint.h>
#include <string.h>

#define SLOTS 65536
static uint8_t hits[SLOTS], seen[SLOTS];
static __thread uintptr_t before;

void __sanitizer_cov_trace_pc(void) {
  const uintptr_t here = (uintptr_t)__builtin_return_address(0);
  uint8_t* hit = &hits[(here ^ before) % SLOTS];
  if (*hit != 255) ++*hit;
  before = here >> 1;
}

void edges_clear(void) {
  memset(hits, 0, SLOTS);
  before = 0;
}

/* How many edges ran more often (by powers of two) than ever before. */
unsigned edges_new(void) {
  unsigned fresh = 0;
  for (unsigned slot = 0; slot < SLOTS; ++slot) {
    if (hits[slot] == 0) continue;
    const uint8_t bucket = (uint8_t)(1u << (31 - __builtin_clz(hits[slot])));
    if ((seen[slot] & bucket) == 0) {
      seen[slot] |= bucket;
      ++fresh;
    }
  }
  return fresh;
}

void edges_forget(void) { memset(seen, 0, SLOTS); }
