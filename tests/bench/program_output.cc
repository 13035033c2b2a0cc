#include "tests/bench/program_output.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>

namespace dmaheap::bench {

ProgramOutput RunProgram(const std::string& program, const std::string& arguments) {
  ProgramOutput run;
  FILE* output = popen((program + " " + arguments).c_str(), "r");
  if (output == nullptr) return run;
  std::array<char, 4096> bytes;
  while (const size_t n = fread(bytes.data(), 1, bytes.size(), output)) {
    run.text.append(bytes.data(), n);
  }
  const int status = pclose(output);
  if (WIFEXITED(status)) run.exit_code = WEXITSTATUS(status);
  return run;
}

}  // namespace dmaheap::bench
