#include "daemon/transport/policy_checks.h"

#include <string>
#include <vector>

#include "daemon/limits.h"
#include "gtest/gtest.h"
#include "proto/error.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

class HeldWorker final : public Worker {
 public:
  void Run(Task task) override { tasks_.push_back(std::move(task)); }
  // A check is made as soon as can be.
  TimerId RunLater(absl::Duration, Task) override { return 0; }
  void Cancel(TimerId) override {}
  void RunAll() {
    std::vector<Task> tasks;
    tasks.swap(tasks_);
    for (Task& task : tasks) task();
  }

 private:
  std::vector<Task> tasks_;
};

class PolicyChecksTest : public testing::Test {
 protected:
  // Lives as long as gRPC keeps a call.
  struct Call {
    v1::CheckPolicyRequest request;
    v1::CheckPolicyResponse response;
    std::vector<absl::Status> ends;
  };

  void Start(Call& call, const std::string& text) {
    call.request.set_text(text);
    checks_.Start(call.request, call.response,
                  [&call](const absl::Status& status) { call.ends.push_back(status); });
  }

  HeldWorker worker_;
  PolicyChecks checks_{worker_};
};

TEST_F(PolicyChecksTest, AreMadeOnTheWorker) {
  Call call;
  Start(call, "access { who { everybody: true } rights: ALLOCATE heaps: '*' }");
  EXPECT_TRUE(call.ends.empty());
  worker_.RunAll();
  ASSERT_EQ(call.ends.size(), 1u);
  EXPECT_TRUE(call.ends[0].ok());
  EXPECT_NE(call.response.explanation(), "");
}

TEST_F(PolicyChecksTest, AWrongPolicyIsAnAnswer) {
  Call call;
  Start(call, "nonsense");
  worker_.RunAll();
  ASSERT_EQ(call.ends.size(), 1u);
  EXPECT_TRUE(call.ends[0].ok());
  EXPECT_GT(call.response.problems_size(), 0);
}

TEST_F(PolicyChecksTest, OnlySoManyAreTakenAtATime) {
  std::vector<Call> calls(kMaxPolicyChecks + 1);
  for (Call& call : calls) Start(call, "");
  ASSERT_EQ(calls.back().ends.size(), 1u);
  EXPECT_EQ(GetReason(calls.back().ends[0]), ErrorReason::OVERLOADED);
  worker_.RunAll();
  for (const Call& call : calls) EXPECT_EQ(call.ends.size(), 1u);
  Call again;
  Start(again, "");
  worker_.RunAll();
  ASSERT_EQ(again.ends.size(), 1u);
  EXPECT_TRUE(again.ends[0].ok());
}

TEST_F(PolicyChecksTest, ATextThatNoFileMayHaveIsRefused) {
  Call call;
  Start(call, std::string(kMaxPolicyBytes + 1, '#'));
  ASSERT_EQ(call.ends.size(), 1u);
  EXPECT_EQ(GetReason(call.ends[0]), ErrorReason::INVALID_POLICY);
}

}  // namespace
}  // namespace dmaheap
