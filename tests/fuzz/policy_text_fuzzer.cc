// Policy files: a policy that is taken can be written, and is then taken again as the same; one
// that is refused says where it is wrong, in a report that fits into an error.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "daemon/config/policy_check.h"
#include "daemon/config/policy_file.h"
#include "daemon/config/policy_text.h"
#include "google/protobuf/text_format.h"
#include "proto/error.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"

namespace dmaheap::fuzz {
namespace {

constexpr int64_t kPageBytes = 4096;

std::string Written(const config::v1::Policy& policy) {
  std::string text;
  DEMAND(google::protobuf::TextFormat::PrintToString(policy, &text));
  return text;
}

void CheckTaken(const config::v1::Policy& policy) {
  const std::string text = Written(policy);
  const auto again = ParsePolicyText(text, "again", kPageBytes);
  DEMAND(again.ok());
  DEMAND(Written(*again) == text);
  DEMAND(ParsePolicy(text, "again").ok());
}

void CheckRefused(const absl::Status& error, absl::string_view text) {
  DEMAND(absl::IsInvalidArgument(error));
  DEMAND(GetReason(error) == ErrorReason::INVALID_POLICY);
  DEMAND(absl::StartsWith(error.message(), "file:"));
  // And one line more, which says how many more there are.
  DEMAND(error.message().size() <= kMaxPolicyReportBytes + 256);
  config::v1::Policy policy;
  const std::vector<TextProblem> problems = ReadPolicyText(text, kPageBytes, policy);
  DEMAND(!problems.empty());
  for (size_t i = 0; i < problems.size(); ++i) {
    DEMAND(!problems[i].what.empty());
    DEMAND(i == 0 || !(problems[i].place < problems[i - 1].place));
  }
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap;
  const absl::string_view text = fuzz::AsText(data, size);
  const auto policy = ParsePolicyText(text, "file", fuzz::kPageBytes);
  if (policy.ok()) {
    fuzz::CheckTaken(*policy);
  } else {
    fuzz::CheckRefused(policy.status(), text);
  }
  const v1::CheckPolicyResponse checked = CheckPolicyText(text);
  DEMAND(policy.ok() == (checked.problems_size() == 0));
  DEMAND(checked.problems_size() <= kMaxCheckedProblems + 1);
  DEMAND(policy.ok() == ParsePolicy(text, "file").ok());
  return 0;
}
