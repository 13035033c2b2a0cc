#include "tests/vm/tools/number_file.h"

#include <fstream>

#include "absl/strings/str_cat.h"

namespace dmaheap {

absl::StatusOr<int64_t> ReadNumberFile(const std::string& path) {
  std::ifstream file(path);
  int64_t number = -1;
  if (!(file >> number) || number < 0) {
    return absl::NotFoundError(absl::StrCat(path, " has no number"));
  }
  return number;
}

}  // namespace dmaheap
