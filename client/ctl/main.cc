// dmaheapctl: asks dmaheapd for memory, and how it is, from a shell.

#include <sys/ioctl.h>
#include <unistd.h>

#include <iostream>

#include "client/ctl/arguments.h"
#include "client/ctl/error_text.h"
#include "client/ctl/exit_code.h"
#include "client/ctl/interrupt.h"
#include "client/ctl/table.h"
#include "client/ctl/verbs.h"

namespace {

// 0: it is no terminal.
size_t ColumnsOf(int fd) {
  if (isatty(fd) == 0) return 0;
  winsize size = {};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return dmaheap::ctl::kTerminalColumns;
}

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
