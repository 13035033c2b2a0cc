// On the simulated area of 64 MiB: a request that lacks room, and a pool that gives some back
// because it is asked.

#include <fstream>
#include <mutex>
#include <utility>
#include <vector>

#include "client/dmaheap.h"
#include "gtest/gtest.h"
#include "tests/e2e/daemon_fixture.h"

namespace dmaheap {
namespace {

constexpr char kPolicy[] =
    "access { who { everybody: true } rights: [ALLOCATE, INSPECT, ADMIN] heaps: '*' "
    "retry_policies: '*' } "
    "retry_policies { name: 'asks' max_elapsed { seconds: 20 } ask_clients { } }";

class GiveBackTest : public DaemonFixture {
 protected:
  void StartWithPolicy() {
    const std::string path = folder_.Below("policy.textproto");
    std::ofstream(path) << kPolicy;
    Start({"--policy=" + path});
  }
  std::unique_ptr<Client> Connect(GiveBackCallback on_give_back) {
    auto client = Client::Connect({.socket_dir = dir(), .on_give_back = std::move(on_give_back)});
    EXPECT_TRUE(client.ok()) << client.status();
    return client.ok() ? *std::move(client) : nullptr;
  }
};

TEST_F(GiveBackTest, APoolThatIsAskedMakesRoomForWhoWaits) {
  StartWithPolicy();
  std::mutex mutex;
  std::vector<Buffer> pool;
  std::vector<GiveBackRequest> asked;
  const auto holder = Connect([&](const GiveBackRequest& question) {
    std::lock_guard<std::mutex> lock(mutex);
    asked.push_back(question);
    pool.clear();
  });
  ASSERT_NE(holder, nullptr);
  auto buffers = holder->AllocateMany({.heap = "simulated", .size_bytes = 15 * kMiB}, 4);
  ASSERT_TRUE(buffers.ok()) << buffers.status();
  {
    std::lock_guard<std::mutex> lock(mutex);
    pool = *std::move(buffers);
  }
  const auto waiter = Connect({});
  ASSERT_NE(waiter, nullptr);

  const auto got = waiter->Allocate({.heap = "simulated",
                                     .size_bytes = 32 * kMiB,
                                     .deadline = absl::Seconds(20),
                                     .retry_policy = "asks"});

  EXPECT_TRUE(got.ok()) << got.status();
  std::lock_guard<std::mutex> lock(mutex);
  ASSERT_FALSE(asked.empty());
  EXPECT_EQ(asked[0].heap, "heaps/simulated");
  EXPECT_EQ(asked[0].size_bytes, 32 * kMiB);
}

TEST_F(GiveBackTest, WhoMayNotBeAskedKeepsWhatItHas) {
  StartWithPolicy();
  const auto holder = Connect({});
  ASSERT_NE(holder, nullptr);
  const auto held = holder->Allocate({.heap = "simulated", .size_bytes = 60 * kMiB});
  ASSERT_TRUE(held.ok()) << held.status();

  const auto got = holder->Allocate({.heap = "simulated",
                                     .size_bytes = 32 * kMiB,
                                     .deadline = absl::Milliseconds(300),
                                     .retry_policy = "asks"});

  EXPECT_EQ(got.status().code(), absl::StatusCode::kDeadlineExceeded) << got.status();
}

}  // namespace
}  // namespace dmaheap
