// Checks of policies that somebody only asks about.
//
// A long text takes a second: neither the executor nor a gRPC thread may wait for it, so it runs on
// a worker, and of the texts, each up to kMaxPolicyBytes, only a few are in memory at a time.

#ifndef DAEMON_TRANSPORT_POLICY_CHECKS_H_
#define DAEMON_TRANSPORT_POLICY_CHECKS_H_

#include <atomic>
#include <string>

#include "daemon/core/worker.h"
#include "daemon/transport/rpc_call.h"
#include "dmaheap/v1/admin.pb.h"

namespace dmaheap {

class PolicyChecks {
 public:
  // Both outlive every check.
  explicit PolicyChecks(Worker& worker) : worker_(worker) {}

  // Calls finish once, on the worker; at once with OVERLOADED where kMaxPolicyChecks are under way,
  // and with INVALID_POLICY for a text that no file may have. request and response live until
  // then. From any thread.
  void Start(const v1::CheckPolicyRequest& request, v1::CheckPolicyResponse& response,
             Finish finish);

 private:
  Worker& worker_;
  std::atomic<int> under_way_ = 0;
};

}  // namespace dmaheap

#endif  // DAEMON_TRANSPORT_POLICY_CHECKS_H_
