#include "daemon/transport/policy_checks.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/config/policy_check.h"
#include "daemon/limits.h"
#include "proto/error.h"
#include "proto/wire.h"

namespace dmaheap {

void PolicyChecks::Start(const v1::CheckPolicyRequest& request, v1::CheckPolicyResponse& response,
                         Finish finish) {
  if (request.text().size() > kMaxPolicyBytes) {
    const std::string problem = absl::StrCat("has ", request.text().size(),
                                             " bytes; a policy has at most ", kMaxPolicyBytes);
    return finish(Error(ErrorReason::INVALID_POLICY, absl::StrCat("text: ", problem))
                      .Field("text", problem)
                      .ToStatus());
  }
  if (under_way_.fetch_add(1) >= kMaxPolicyChecks) {
    --under_way_;
    return finish(Error(ErrorReason::OVERLOADED,
                        absl::StrCat(kMaxPolicyChecks,
                                     " checks of policies are under way; try again in a moment"))
                      .RetryAfter(kOverloadRetryAfter)
                      .ToStatus());
  }
  worker_.Run([this, &request, &response, finish = std::move(finish)]() mutable {
    response = CheckPolicyText(request.text());
    // First, as with its answer the caller may ask again.
    --under_way_;
    finish(absl::OkStatus());
  });
}

}  // namespace dmaheap
