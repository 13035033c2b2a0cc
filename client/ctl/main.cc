// dmaheapctl: asks dmaheapd for memory, and how it is, from a shell.

#include <unistd.h>

#include <iostream>

#include "client/ctl/arguments.h"
#include "client/ctl/error_text.h"
#include "client/ctl/exit_code.h"
#include "client/ctl/interrupt.h"
#include "client/ctl/table.h"
#include "client/ctl/verbs.h"

namespace {

// 0: it is no terminal. All that is shown fits into the narrowest that there are.
size_t ColumnsOf(int fd) { return isatty(fd) == 0 ? 0 : dmaheap::ctl::kTerminalColumns; }

}  // namespace

int main(int argc, char** argv) {
  namespace ctl = dmaheap::ctl;
  const ctl::CommandLine line = ctl::ParseCommandLine(argc, argv);
  if (!line.arguments.has_value()) {
    (line.exit_code == 0 ? std::cout : std::cerr) << line.text;
    return line.exit_code;
  }
  const auto interrupt = ctl::Interrupt::Create();
  if (!interrupt.ok()) {
    std::cerr << ctl::ErrorText(interrupt.status());
    return ctl::kExitOther;
  }
  return ctl::RunVerb(*line.arguments, **interrupt,
                      {std::cin, std::cout, std::cerr, ColumnsOf(STDERR_FILENO)});
}
