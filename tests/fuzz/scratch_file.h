// A file for parsers that read one: in memory where there is such a place, as it is written anew
// for each input.

#ifndef TESTS_FUZZ_SCRATCH_FILE_H_
#define TESTS_FUZZ_SCRATCH_FILE_H_

#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/fuzz/demand.h"

namespace dmaheap::fuzz {

class ScratchFolder {
 public:
  ScratchFolder() {
    std::string path = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    path += "/dmaheapd-fuzz-XXXXXX";
    DEMAND(mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~ScratchFolder() { rmdir(path_.c_str()); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline void WriteFile(const std::string& path, absl::string_view bytes) {
  FILE* file = fopen(path.c_str(), "we");
  DEMAND(file != nullptr);
  if (!bytes.empty()) DEMAND(fwrite(bytes.data(), bytes.size(), 1, file) == 1);
  DEMAND(fclose(file) == 0);
}

}  // namespace dmaheap::fuzz

#endif  // TESTS_FUZZ_SCRATCH_FILE_H_
