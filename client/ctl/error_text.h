// An error as a person reads it on standard error. A pure function.

#ifndef CLIENT_CTL_ERROR_TEXT_H_
#define CLIENT_CTL_ERROR_TEXT_H_

#include <string>

#include "absl/status/status.h"

namespace dmaheap::ctl {

// The text, then one indented key=value line each for code, reason, every value of the ErrorInfo by
// key, and retry-after:
//
//   dmaheapctl: no heap "x": ...
//     code=NOT_FOUND
//     reason=HEAP_NOT_FOUND
//     heap=x
std::string ErrorText(const absl::Status& status);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_ERROR_TEXT_H_
