// Option structs of the C interface: programs and libraries of different releases.
//
// The rule of openat2(2) and clone3(2): what the library does not know must be zero, what the
// program did not know counts as zero. Pure function.

#ifndef CLIENT_INTERNAL_C_OPTIONS_H_
#define CLIENT_INTERNAL_C_OPTIONS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace dmaheap::client_internal {

// Options as this library knows it, from what the program passed. smallest is the size of the
// struct in the first release. kInvalidArgument: struct_size below it, or something beyond what we
// know is set.
template <typename Options>
absl::StatusOr<Options> ReadOptions(const Options* passed, size_t smallest) {
  Options options = {};
  if (passed == nullptr) return options;
  uint32_t size;
  memcpy(&size, passed, sizeof(size));
  if (size < smallest) {
    return absl::InvalidArgumentError(absl::StrCat("struct_size is ", size,
                                                   " and the struct has at least ", smallest,
                                                   " bytes: begin with the _INIT macro"));
  }
  const auto* const bytes = reinterpret_cast<const unsigned char*>(passed);
  for (size_t i = sizeof(Options); i < size; ++i) {
    if (bytes[i] != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("the options of ", size, " bytes set a member beyond byte ", sizeof(Options),
                       " that this libdmaheap does not know: update the library"));
    }
  }
  memcpy(&options, passed, std::min<size_t>(size, sizeof(Options)));
  return options;
}

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_C_OPTIONS_H_
