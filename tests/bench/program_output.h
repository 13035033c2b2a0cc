// Runs a benchmark's program as a person does, for its test.

#ifndef TESTS_BENCH_PROGRAM_OUTPUT_H_
#define TESTS_BENCH_PROGRAM_OUTPUT_H_

#include <string>

namespace dmaheap::bench {

struct ProgramOutput {
  // -1: it did not end by itself.
  int exit_code = -1;
  // Its standard output. What it says on standard error goes to ours.
  std::string text;
};

// program: a path; arguments: words for the shell.
ProgramOutput RunProgram(const std::string& program, const std::string& arguments);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_PROGRAM_OUTPUT_H_
