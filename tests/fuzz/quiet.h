// No log while a fuzzer runs: it would be longer than anything else.

#ifndef TESTS_FUZZ_QUIET_H_
#define TESTS_FUZZ_QUIET_H_

#include "spdlog/spdlog.h"

namespace dmaheap::fuzz {

inline void BeQuiet() { spdlog::set_level(spdlog::level::off); }

}  // namespace dmaheap::fuzz

#endif  // TESTS_FUZZ_QUIET_H_
