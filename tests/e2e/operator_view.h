// What the operator sees: the Admin service of a running daemon, for tests.

#ifndef TESTS_E2E_OPERATOR_VIEW_H_
#define TESTS_E2E_OPERATOR_VIEW_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dmaheap/v1/admin.grpc.pb.h"
#include "grpcpp/channel.h"

namespace dmaheap {

class OperatorView {
 public:
  explicit OperatorView(const std::string& socket_dir);

  // Everybody's.
  std::vector<v1::Buffer> Buffers();
  std::vector<v1::Client> Clients();
  // Requests under way.
  std::vector<v1::Allocation> Allocations();
  // Of failures, the newest first.
  std::vector<v1::Diagnosis> Diagnoses();
  v1::ServerInfo Info();
  grpc::Status GetMetrics(v1::Metrics& metrics);
  // Of a metric that is there, "heap=simulated outcome=ok" being its labels: a histogram's count,
  // else the number. -1: there is none.
  double Metric(const std::string& name, const std::string& labels = "");
  grpc::Status Reload();
  grpc::Status Check(const std::string& policy, v1::CheckPolicyResponse& response);
  // Bytes that uid is charged.
  int64_t ChargedBytes(uint32_t uid);
  // The state of one buffer; STATE_UNSPECIFIED if there is none of that name.
  v1::Buffer::State StateOf(const std::string& name);

  // Asks again until condition holds; false if it does not within limit. The daemon reads the
  // kernel's view for a list at most once a second.
  bool Within(double limit_seconds, const std::function<bool()>& condition);

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Admin::Stub> admin_;
};

}  // namespace dmaheap

#endif  // TESTS_E2E_OPERATOR_VIEW_H_
