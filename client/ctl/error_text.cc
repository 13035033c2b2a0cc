#include "client/ctl/error_text.h"

#include "absl/strings/str_cat.h"
#include "client/ctl/units_text.h"
#include "client/dmaheap.h"

namespace dmaheap::ctl {

std::string ErrorText(const absl::Status& status) {
  std::string text = absl::StrCat("dmaheapctl: ", Printable(status.message()),
                                  "\n  code=", absl::StatusCodeToString(status.code()), "\n");
  const std::string reason = ErrorReasonName(status);
  if (!reason.empty()) absl::StrAppend(&text, "  reason=", Printable(reason), "\n");
  for (const auto& [key, value] : ErrorDetails(status)) {
    absl::StrAppend(&text, "  ", Printable(key), "=", Printable(value), "\n");
  }
  if (const auto delay = ErrorRetryAfter(status); delay.has_value()) {
    absl::StrAppend(&text, "  retry-after=", absl::FormatDuration(*delay), "\n");
  }
  return text;
}

}  // namespace dmaheap::ctl
