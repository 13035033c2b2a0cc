#include "tests/bench/runfile.h"

#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"

namespace dmaheap::bench {

std::string ThisProgram() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

std::string Runfile(absl::string_view path) {
  const char* of_test = getenv("TEST_SRCDIR");
  const std::string root =
      of_test != nullptr ? std::string(of_test) : absl::StrCat(ThisProgram(), ".runfiles");
  return absl::StrCat(root, "/dmaheapd/", path);
}

}  // namespace dmaheap::bench
