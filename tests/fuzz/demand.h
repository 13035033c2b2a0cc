// What a fuzzer demands of a parser. Where it does not hold, the process ends, which is how
// libFuzzer and the corpus tests learn of it.

#ifndef TESTS_FUZZ_DEMAND_H_
#define TESTS_FUZZ_DEMAND_H_

#include <cstdio>
#include <cstdlib>

namespace dmaheap::fuzz {

[[noreturn]] inline void NotHeld(const char* file, int line, const char* condition) {
  fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
  abort();
}

}  // namespace dmaheap::fuzz

#define DEMAND(condition) \
  ((condition) ? void(0) : ::dmaheap::fuzz::NotHeld(__FILE__, __LINE__, #condition))

#endif  // TESTS_FUZZ_DEMAND_H_
