#include "tests/e2e/operator_view.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

std::unique_ptr<grpc::ClientContext> Context() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  context->set_wait_for_ready(true);
  return context;
}

// A connection to a broker that was killed may be found dead only by the call: the next one waits
// for another connection. These calls only look, so that once more does no harm.
template <typename Response, typename Request>
grpc::Status Ask(v1::Admin::Stub& admin,
                 grpc::Status (v1::Admin::Stub::*method)(grpc::ClientContext*, const Request&,
                                                         Response*),
                 const Request& request, Response& response) {
  const grpc::Status status = (admin.*method)(Context().get(), request, &response);
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE) return status;
  return (admin.*method)(Context().get(), request, &response);
}

}  // namespace

OperatorView::OperatorView(const std::string& socket_dir)
    : channel_(grpc::CreateChannel(absl::StrCat("unix:", socket_dir, "/admin.sock"),
                                   grpc::InsecureChannelCredentials())),
      admin_(v1::Admin::NewStub(channel_)) {}

std::vector<v1::Buffer> OperatorView::Buffers() {
  std::vector<v1::Buffer> buffers;
  v1::ListBuffersRequest request;
  request.set_page_size(1000);
  do {
    v1::ListBuffersResponse response;
    const grpc::Status status = Ask(*admin_, &v1::Admin::Stub::ListBuffers, request, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    buffers.insert(buffers.end(), response.buffers().begin(), response.buffers().end());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return buffers;
}

std::vector<v1::Client> OperatorView::Clients() {
  v1::ListClientsRequest request;
  request.set_page_size(1000);
  v1::ListClientsResponse response;
  const grpc::Status status = Ask(*admin_, &v1::Admin::Stub::ListClients, request, response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return {response.clients().begin(), response.clients().end()};
}

std::vector<v1::Allocation> OperatorView::Allocations() {
  v1::ListAllocationsRequest request;
  request.set_page_size(1000);
  v1::ListAllocationsResponse response;
  const grpc::Status status = Ask(*admin_, &v1::Admin::Stub::ListAllocations, request, response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return {response.allocations().begin(), response.allocations().end()};
}

std::vector<v1::Diagnosis> OperatorView::Diagnoses() {
  v1::ListDiagnosesRequest request;
  request.set_page_size(1000);
  v1::ListDiagnosesResponse response;
  const grpc::Status status = Ask(*admin_, &v1::Admin::Stub::ListDiagnoses, request, response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return {response.diagnoses().begin(), response.diagnoses().end()};
}

v1::ServerInfo OperatorView::Info() {
  v1::ServerInfo info;
  const grpc::Status status =
      Ask(*admin_, &v1::Admin::Stub::GetServerInfo, v1::GetServerInfoRequest(), info);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return info;
}

grpc::Status OperatorView::GetMetrics(v1::Metrics& metrics) {
  return Ask(*admin_, &v1::Admin::Stub::GetMetrics, v1::GetMetricsRequest(), metrics);
}

double OperatorView::Metric(const std::string& name, const std::string& labels) {
  v1::Metrics metrics;
  const grpc::Status status = GetMetrics(metrics);
  EXPECT_TRUE(status.ok()) << status.error_message();
  for (const v1::MetricFamily& family : metrics.families()) {
    if (family.name() != name) continue;
    for (const v1::Metric& metric : family.metrics()) {
      std::string its;
      for (const auto& label : metric.labels()) {
        absl::StrAppend(&its, its.empty() ? "" : " ", label.name(), "=", label.value());
      }
      if (its != labels) continue;
      return metric.has_histogram() ? static_cast<double>(metric.histogram().count())
                                    : metric.number();
    }
  }
  return -1;
}

grpc::Status OperatorView::Check(const std::string& policy, v1::CheckPolicyResponse& response) {
  v1::CheckPolicyRequest request;
  request.set_text(policy);
  return admin_->CheckPolicy(Context().get(), request, &response);
}

grpc::Status OperatorView::Reload() {
  v1::ReloadPolicyResponse response;
  return admin_->ReloadPolicy(Context().get(), {}, &response);
}

int64_t OperatorView::ChargedBytes(uint32_t uid) {
  const v1::ServerInfo info = Info();
  for (const v1::Account& account : info.accounts()) {
    if (account.uid() == uid) return account.charged_bytes();
  }
  return 0;
}

v1::Buffer::State OperatorView::StateOf(const std::string& name) {
  for (const v1::Buffer& buffer : Buffers()) {
    if (buffer.name() == name) return buffer.state();
  }
  return v1::Buffer::STATE_UNSPECIFIED;
}

bool OperatorView::Within(double limit_seconds, const std::function<bool()>& condition) {
  const absl::Time limit = absl::Now() + absl::Seconds(limit_seconds);
  do {
    if (condition()) return true;
  } while (absl::Now() < limit);
  return false;
}

}  // namespace dmaheap
