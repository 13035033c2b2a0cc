// The kernel's errno inside an absl::Status, true all the way up.

#ifndef PROTO_ERRNO_STATUS_H_
#define PROTO_ERRNO_STATUS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace dmaheap {

// A status for a failed system call: the code that Abseil gives the errno, the text
// "WHAT: strerror (ENAME)", and the number itself as a payload.
absl::Status ErrnoStatus(int error_number, absl::string_view what);

// The errno that ErrnoStatus put in, 0 if there is none.
int GetErrno(const absl::Status& status);

// "ENOMEM" for ENOMEM; the number in digits for one without a name.
std::string ErrnoName(int error_number);

}  // namespace dmaheap

#endif  // PROTO_ERRNO_STATUS_H_
