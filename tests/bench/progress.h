// What a benchmark is at, for a person who waits: on standard error, as the result is alone on
// standard output.

#ifndef TESTS_BENCH_PROGRESS_H_
#define TESTS_BENCH_PROGRESS_H_

#include <iostream>

#include "absl/strings/string_view.h"

namespace dmaheap::bench {

inline void Say(absl::string_view text) { std::cerr << "bench: " << text << std::endl; }

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_PROGRESS_H_
