// A file of the kernel's with one decimal number in it.

#ifndef TESTS_VM_TOOLS_NUMBER_FILE_H_
#define TESTS_VM_TOOLS_NUMBER_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace dmaheap {

// kNotFound: there is no such file, or no number from 0 on at its start.
absl::StatusOr<int64_t> ReadNumberFile(const std::string& path);

}  // namespace dmaheap

#endif  // TESTS_VM_TOOLS_NUMBER_FILE_H_
