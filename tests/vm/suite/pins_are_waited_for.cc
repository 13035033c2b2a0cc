// In the guest, with the daemon on its kernel's own area: a page that somebody holds on to is
// waited for with few attempts, is told of, and is not waited for longer than it is held.

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/dmaheap.h"
#include "gtest/gtest.h"
#include "tests/vm/guest/ctl_json.h"
#include "tests/vm/guest/guest_process.h"

namespace dmaheap {
namespace {

constexpr int64_t kLargeBytes = 60 << 20;

// A request under way, and all that its caller was told.
class Waiting {
 public:
  Waiting(Client& client, const std::string& retry_policy)
      : handle_(client.AllocateAsync(
            {.heap = "linux,cma-nofail",
             .size_bytes = kLargeBytes,
             .retry_policy = retry_policy,
             .on_progress = [this](const AllocationProgress& progress) { OnProgress(progress); }},
            [this](absl::StatusOr<Buffer> buffer) {
              ended_at_ = absl::Now();
              buffer_ = std::move(buffer);
              ended_.Notify();
            })) {}

  bool WaitEnd(absl::Duration patience) { return ended_.WaitForNotificationWithTimeout(patience); }
  void Cancel() { handle_.Cancel(); }
  absl::Time ended_at() const { return ended_at_; }
  const absl::StatusOr<Buffer>& buffer() const { return buffer_; }

  // The last that was told.
  AllocationProgress Last() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return last_;
  }
  // Waits until somebody is named.
  std::string WaitForName(absl::Duration patience) {
    std::unique_lock<std::mutex> lock(mutex_);
    told_.wait_for(lock, absl::ToChronoMilliseconds(patience),
                   [this] { return !last_.pinned_by.empty(); });
    return last_.pinned_by;
  }

 private:
  void OnProgress(const AllocationProgress& progress) {
    const std::lock_guard<std::mutex> lock(mutex_);
    last_ = progress;
    told_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable told_;
  AllocationProgress last_;
  absl::Notification ended_;
  absl::Time ended_at_;
  absl::StatusOr<Buffer> buffer_ = absl::UnknownError("none");
  AllocationHandle handle_;
};

class PinsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto client = Client::Connect({.label = "pins"});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    // The first touch of the emulated memory takes longer than all that follows.
    const auto first = client_->Allocate({.heap = "linux,cma-nofail", .size_bytes = kLargeBytes});
    ASSERT_TRUE(first.ok()) << first.status();
  }

  std::unique_ptr<Client> client_;
};

TEST_F(PinsTest, ALongPinIsWaitedForWithFewAttemptsAndItsReleaseBringsTheBufferAtOnce) {
  constexpr int kTimes = 2;
  std::vector<absl::Duration> after_release;
  for (int i = 0; i < kTimes; ++i) {
    GuestProcess maker({"trouble_maker", "vmsplice_pin"}, /*uid=*/0);
    ASSERT_TRUE(absl::StartsWith(maker.ReadLine(), "begun")) << maker.output();
    const absl::Time begin = absl::Now();
    Waiting waiting(*client_, "nofail");

    const std::string name = waiting.WaitForName(absl::Seconds(2));
    ASSERT_FALSE(waiting.WaitEnd(begin + absl::Seconds(2) - absl::Now()))
        << waiting.buffer().status();
    const AllocationProgress last = waiting.Last();
    const absl::Time released = absl::Now();
    maker.WriteLine("");
    ASSERT_TRUE(waiting.WaitEnd(absl::Seconds(20))) << waiting.Last().attempts;
    after_release.push_back(waiting.ended_at() - released);
    EXPECT_EQ(maker.Wait(), 0);

    printf("%d attempts before the release, the buffer %.1f ms after it; held by %s\n",
           last.attempts, absl::ToDoubleMilliseconds(after_release.back()), name.c_str());
    EXPECT_TRUE(waiting.buffer().ok()) << waiting.buffer().status();
    // One more is the one that succeeds.
    EXPECT_LT(last.attempts + 1, 15);
    EXPECT_TRUE(absl::StartsWith(name, "trouble_maker (pid ")) << name;
    EXPECT_GT(last.stuck_for, absl::Milliseconds(100));
  }
  // What it cost is put down to who held the page, both times.
  const nlohmann::json pinners = CtlJson({"get", "pinners"}, /*uid=*/0)["pinners"];
  ASSERT_EQ(pinners.size(), 1u) << pinners;
  EXPECT_EQ(pinners[0]["process_name"], "trouble_maker");
  EXPECT_EQ(pinners[0]["executable"], "/files/trouble_maker");
  EXPECT_EQ(pinners[0]["cause"], "PIPE");
  EXPECT_EQ(pinners[0]["delayed_requests"], std::to_string(kTimes)) << pinners;
  // Of one of them: the others may have lost their turn on an emulated processor.
  EXPECT_LT(*std::min_element(after_release.begin(), after_release.end()), absl::Milliseconds(100));
}

TEST_F(PinsTest, APinThatStaysEndsTheDefaultPolicyWithItsReason) {
  GuestProcess maker({"trouble_maker", "vmsplice_pin"}, /*uid=*/0);
  ASSERT_TRUE(absl::StartsWith(maker.ReadLine(), "begun")) << maker.output();
  const absl::Time begin = absl::Now();
  Waiting waiting(*client_, "default");

  ASSERT_TRUE(waiting.WaitEnd(absl::Seconds(20)));

  // give_up_when_stuck_for of one second, before max_elapsed of two.
  EXPECT_LT(waiting.ended_at() - begin, absl::Seconds(2));
  const absl::Status& status = waiting.buffer().status();
  EXPECT_TRUE(absl::StrContains(status.message(), "one page was in the way")) << status;
  EXPECT_EQ(ErrorReasonName(status), "HEAP_PINNED_PERMANENTLY") << status;

  const nlohmann::json diagnosis = CtlJson({"explain", "--all"}, /*uid=*/0);
  EXPECT_EQ(diagnosis["verdict"], "PINNED_STUCK") << diagnosis;
  EXPECT_EQ(diagnosis["evidence_level"], "L4") << diagnosis;
  EXPECT_EQ(diagnosis["pin"]["cause"], "PIPE") << diagnosis;
  EXPECT_EQ(diagnosis["pin"]["references"], "2") << diagnosis;
  EXPECT_EQ(PinnersOf(diagnosis), std::vector<pid_t>{maker.pid()}) << diagnosis;
  printf("%s", RunInGuest({"dmaheapctl", "explain", "--all"}, /*uid=*/0).output.c_str());
  maker.WriteLine("");
  EXPECT_EQ(maker.Wait(), 0);
}

}  // namespace
}  // namespace dmaheap
