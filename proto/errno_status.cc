#include "proto/errno_status.h"

#include <cstring>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace dmaheap {
namespace {

constexpr absl::string_view kErrnoPayload = "dmaheap.errno";

}  // namespace

absl::Status ErrnoStatus(int error_number, absl::string_view what) {
  absl::Status status(
      absl::ErrnoToStatusCode(error_number),
      absl::StrCat(what, ": ", strerrordesc_np(error_number), " (", ErrnoName(error_number), ")"));
  status.SetPayload(kErrnoPayload, absl::Cord(absl::StrCat(error_number)));
  return status;
}

int GetErrno(const absl::Status& status) {
  const auto payload = status.GetPayload(kErrnoPayload);
  int error_number = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &error_number)) return 0;
  return error_number;
}

std::string ErrnoName(int error_number) {
  const char* name = strerrorname_np(error_number);
  return name != nullptr ? std::string(name) : absl::StrCat(error_number);
}

}  // namespace dmaheap
