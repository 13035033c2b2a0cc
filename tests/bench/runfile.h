// Where Bazel put a file that a benchmark needs.

#ifndef TESTS_BENCH_RUNFILE_H_
#define TESTS_BENCH_RUNFILE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace dmaheap::bench {

// This program.
std::string ThisProgram();

// A file of the data of this program, or of the test that runs it, by its path from the top of the
// tree.
std::string Runfile(absl::string_view path);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_RUNFILE_H_
