// A file's text, whole.

#ifndef CLIENT_CTL_READ_FILE_H_
#define CLIENT_CTL_READ_FILE_H_

#include <cstddef>
#include <istream>
#include <string>

#include "absl/status/statusor.h"

namespace dmaheap::ctl {

// The bytes of the file at path, or of in for "-". A pipe is a file too. Errors name path: the
// system call's errno, or OUT_OF_RANGE where there are more than max_bytes.
absl::StatusOr<std::string> ReadFile(const std::string& path, std::istream& in, size_t max_bytes);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_READ_FILE_H_
