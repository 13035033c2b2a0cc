// Why a request failed, from its error to the diagnosis that it names, with a real daemon.

#include <chrono>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "client/dmaheap.h"
#include "dmaheap/v1/allocator.grpc.pb.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"
#include "proto/error.h"
#include "proto/grpc_status.h"
#include "proto/wire.h"
#include "tests/e2e/agent_process.h"
#include "tests/e2e/daemon_fixture.h"

namespace dmaheap {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kPage = 4096;

// What the test itself, as a user like any other, is told.
class OwnDiagnoses {
 public:
  explicit OwnDiagnoses(const std::string& socket_dir)
      : stub_(v1::Allocator::NewStub(
            grpc::CreateChannel(absl::StrCat("unix:", socket_dir, "/", kRpcSocketName),
                                grpc::InsecureChannelCredentials()))) {}

  absl::StatusOr<v1::Diagnosis> Get(const std::string& name) {
    v1::GetDiagnosisRequest request;
    request.set_name(name);
    v1::Diagnosis diagnosis;
    grpc::ClientContext context;
    SetDeadline(context);
    const absl::Status status = FromGrpcStatus(stub_->GetDiagnosis(&context, request, &diagnosis));
    if (!status.ok()) return status;
    return diagnosis;
  }
  int Count() {
    v1::ListDiagnosesResponse response;
    grpc::ClientContext context;
    SetDeadline(context);
    EXPECT_TRUE(stub_->ListDiagnoses(&context, {}, &response).ok());
    return response.diagnoses_size();
  }

 private:
  static void SetDeadline(grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  }

  std::unique_ptr<v1::Allocator::Stub> stub_;
};

class DiagnosisTest : public DaemonFixture {
 protected:
  void SetUp() override {
    DaemonFixture::SetUp();
    if (IsSkipped()) return;
    Start();
    auto client = Client::Connect({.socket_dir = dir()});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    own_ = std::make_unique<OwnDiagnoses>(dir());
  }
  void TearDown() override {
    own_.reset();
    in_the_way_.reset();
    client_.reset();
    DaemonFixture::TearDown();
  }

  absl::StatusOr<Buffer> Allocate(int64_t size_bytes) {
    return client_->Allocate(
        {.heap = "simulated", .size_bytes = size_bytes, .retry_policy = "failfast"});
  }

  std::unique_ptr<Client> client_;
  std::unique_ptr<OwnDiagnoses> own_;
  absl::optional<Buffer> in_the_way_;
};

TEST_F(DiagnosisTest, TheErrorNamesADiagnosisThatSaysWhatWouldHelp) {
  auto page = Allocate(kPage);
  ASSERT_TRUE(page.ok()) << page.status();
  in_the_way_ = *std::move(page);

  // There is one free run, of which nothing so long begins at a multiple of 1 MiB.
  const absl::Status failed = Allocate(64 * kMiB - 2 * kPage).status();

  EXPECT_EQ(GetReason(failed), ErrorReason::CONTIGUOUS_MEMORY_FRAGMENTED) << failed;
  EXPECT_EQ(GetErrorValue(failed, "verdict"), "ALIGNMENT_WASTE") << failed;
  const auto name = GetErrorValue(failed, "diagnosis");
  ASSERT_TRUE(name.has_value()) << failed;
  const auto diagnosis = own_->Get(*name);
  ASSERT_TRUE(diagnosis.ok()) << diagnosis.status();
  EXPECT_EQ(diagnosis->name(), *name);
  EXPECT_EQ(diagnosis->verdict(), v1::Diagnosis::ALIGNMENT_WASTE);
  EXPECT_EQ(diagnosis->confidence(), v1::Diagnosis::CERTAIN);
  EXPECT_EQ(diagnosis->attempts(), 1);
  EXPECT_EQ(diagnosis->fit().align_bytes(), kMiB);
  EXPECT_EQ(diagnosis->fit().largest_fit_bytes(), 63 * kMiB);
  ASSERT_EQ(diagnosis->fit().opening().parts_size(), 1);
  ASSERT_EQ(diagnosis->fit().opening().parts(0).candidates_size(), 1);
  EXPECT_EQ(diagnosis->fit().opening().parts(0).candidates(0), in_the_way_->name());
  EXPECT_THAT(diagnosis->explanation(), HasSubstr(in_the_way_->name()));
}

TEST_F(DiagnosisTest, WhatTheDiagnosisSaysWouldHelpHelps) {
  auto page = Allocate(kPage);
  ASSERT_TRUE(page.ok()) << page.status();
  in_the_way_ = *std::move(page);
  const absl::Status failed = Allocate(64 * kMiB - 2 * kPage).status();
  const auto diagnosis = own_->Get(GetErrorValue(failed, "diagnosis").value_or(""));
  ASSERT_TRUE(diagnosis.ok()) << diagnosis.status();

  EXPECT_TRUE(Allocate(diagnosis->fit().largest_fit_bytes()).ok());
  in_the_way_.reset();
  ASSERT_TRUE(operator_->Within(10, [&] { return operator_->Buffers().empty(); }));
  EXPECT_TRUE(Allocate(64 * kMiB - 2 * kPage).ok());
}

TEST_F(DiagnosisTest, AFullHeapNamesItsHoldersToTheOperatorOnly) {
  AgentProcess bob(dir(), kBobUid);
  bob.Expect(absl::StrCat("alloc simulated ", 16 * kMiB, " 3"));

  const absl::Status failed = Allocate(32 * kMiB).status();

  EXPECT_EQ(GetReason(failed), ErrorReason::HEAP_EXHAUSTED) << failed;
  const auto of_all = operator_->Diagnoses();
  ASSERT_EQ(of_all.size(), 1u);
  EXPECT_EQ(of_all[0].verdict(), v1::Diagnosis::EXHAUSTED);
  ASSERT_EQ(of_all[0].holders_size(), 1);
  EXPECT_EQ(of_all[0].holders(0).uid(), kBobUid);
  EXPECT_EQ(of_all[0].holders(0).live_bytes(), 48 * kMiB);
  EXPECT_THAT(of_all[0].explanation(), HasSubstr(absl::StrCat("uid ", kBobUid)));
  EXPECT_EQ(operator_->Metric("dmaheap_diagnoses_total", "verdict=exhausted"), 1);
}

TEST_F(DiagnosisTest, WhoTakesAndTakesIsSuspected) {
  AgentProcess bob(dir(), kBobUid);
  bob.Expect(absl::StrCat("alloc simulated ", 6 * kMiB, " 10"));

  EXPECT_EQ(GetErrorValue(Allocate(32 * kMiB).status(), "verdict"), "LEAK_SUSPECTED");
}

TEST_F(DiagnosisTest, AnotherUsersDiagnosisIsNotFound) {
  AgentProcess bob(dir(), kBobUid);
  bob.Expect(absl::StrCat("alloc simulated ", 48 * kMiB, " 1"));
  EXPECT_EQ(bob.ReasonOf(absl::StrCat("alloc simulated ", 32 * kMiB, " 1")), "HEAP_EXHAUSTED");
  ASSERT_EQ(operator_->Diagnoses().size(), 1u);

  EXPECT_EQ(own_->Count(), 0);
  EXPECT_EQ(GetReason(own_->Get(operator_->Diagnoses()[0].name()).status()),
            ErrorReason::DIAGNOSIS_NOT_FOUND);
  EXPECT_EQ(GetReason(own_->Get("diagnoses/x").status()), ErrorReason::INVALID_NAME);
}

}  // namespace
}  // namespace dmaheap
