// In the guest: whatever becomes of clients, their fds and the daemon, the books have what the
// kernel has. Each step is looked at from four sides: the books, sysfs, bufinfo and the CMA area.

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proto/unique_fd.h"
#include "tests/vm/guest/books.h"
#include "tests/vm/guest/daemon_fixture.h"
#include "tests/vm/guest/dma_buf_lists.h"
#include "tests/vm/guest/drm_card.h"
#include "tests/vm/guest/guest_process.h"

namespace dmaheap {
namespace {

using Names = std::vector<std::string>;

constexpr int kBufferBytes = 1 << 20;

class AccountingTest : public DaemonFixture {
 protected:
  static Names Allocate(AgentProcess& client, int count) {
    Names names = client.Expect(absl::StrCat("alloc reserved ", kBufferBytes, " ", count));
    EXPECT_EQ(names.size(), static_cast<size_t>(count));
    names.resize(static_cast<size_t>(count));
    return names;
  }

  // The client has the buffer no more; its fd lies in the socket between it and this process.
  static void Send(AgentProcess& client, const std::string& name) {
    client.Expect(absl::StrCat("send ", name));
    client.Expect(absl::StrCat("closefd ", name));
  }
  static UniqueFd PassOn(AgentProcess& client, const std::string& name) {
    Send(client, name);
    return client.TakeSentFd();
  }
};

TEST_F(AccountingTest, WhatAKilledClientHadIsFree) {
  Start();
  auto client = NewClient();
  const Names names = Allocate(*client, 3);
  EXPECT_TRUE(AllAgreeOn(names));

  client->Kill();

  EXPECT_TRUE(AllAgreeOn({}));
}

TEST_F(AccountingTest, AClientThatIsKilledInTheMiddleOfItsAllocationsLeavesNothing) {
  Start();
  auto client = NewClient();
  client->Tell(absl::StrCat("storm reserved ", kBufferBytes, " 60"));
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (DmaBufsOfSysfs().empty()) ASSERT_LT(std::chrono::steady_clock::now(), limit);

  EXPECT_FALSE(client->Answered()) << "it was not in the middle of anything";
  client->Kill();

  EXPECT_TRUE(AllAgreeOn({}));
}

TEST_F(AccountingTest, WhatWasPassedOnIsChargedUntilTheLastWhoHasItClosesIt) {
  Start();
  auto client = NewClient();
  const Names names = Allocate(*client, 2);
  UniqueFd third = PassOn(*client, names[0]);
  EXPECT_TRUE(AllAgreeOn(names));

  client->Kill();

  EXPECT_TRUE(AllAgreeOn({names[0]}));
  const nlohmann::json buffer = ReadBooks().buffers[names[0]];
  EXPECT_EQ(buffer["state"], "ORPHANED");
  EXPECT_EQ(buffer["owner_uid"], absl::StrCat(kHalUid));
  third.Reset();
  EXPECT_TRUE(AllAgreeOn({}));
}

TEST_F(AccountingTest, WhatLiesUnreadInASocketIsCharged) {
  Start();
  auto client = NewClient();
  const Names names = Allocate(*client, 2);
  Send(*client, names[0]);
  UniqueFd queue = std::move(client->hand_over());
  EXPECT_TRUE(AllAgreeOn(names));

  client->Kill();

  EXPECT_TRUE(AllAgreeOn({names[0]}));
  queue.Reset();
  EXPECT_TRUE(AllAgreeOn({}));
}

class ImportTest : public AccountingTest, public testing::WithParamInterface<const char*> {};

TEST_P(ImportTest, WhatADriverHasIsChargedThoughEveryFdIsClosed) {
  Start();
  auto client = NewClient();
  const Names names = Allocate(*client, 2);
  const auto card = DrmCard::Open(GetParam());
  ASSERT_TRUE(card.ok()) << card.status();
  UniqueFd fd = PassOn(*client, names[0]);
  const auto handle = card->Import(fd.get());
  ASSERT_TRUE(handle.ok()) << handle.status();

  fd.Reset();
  EXPECT_TRUE(AllAgreeOn(names));
  client->Kill();
  EXPECT_TRUE(AllAgreeOn({names[0]}));

  EXPECT_TRUE(card->CloseHandle(*handle).ok());
  EXPECT_TRUE(AllAgreeOn({}));
}

INSTANTIATE_TEST_SUITE_P(Drivers, ImportTest, testing::Values("vgem", "vkms"));

// The watches die with the keeper. What a next daemon then rests on, best first.
struct Sight {
  const char* name;
  // Folders that this daemon does not see.
  Names hidden;
  const char* accounting;
};

class SightTest : public AccountingTest, public testing::WithParamInterface<Sight> {};

TEST_P(SightTest, ADaemonThatLostItsWatchesFindsWhatIsLeft) {
  Start();
  auto client = NewClient();
  const Names names = Allocate(*client, 5);
  const std::string kept = names[0], passed = names[1], imported = names[2], parked = names[3],
                    lost = names[4];
  const auto card = DrmCard::Open("vgem");
  ASSERT_TRUE(card.ok()) << card.status();
  UniqueFd third = PassOn(*client, passed);
  UniqueFd fd = PassOn(*client, imported);
  const auto handle = card->Import(fd.get());
  ASSERT_TRUE(handle.ok()) << handle.status();
  fd.Reset();
  Send(*client, parked);
  EXPECT_TRUE(AllAgreeOn(names));

  KillAll();
  client->Expect(absl::StrCat("closefd ", lost));
  Start({}, GetParam().hidden);

  EXPECT_TRUE(AllAgreeOn({kept, passed, imported, parked}));
  EXPECT_EQ(ReadBooks().accounting, GetParam().accounting);
  third.Reset();
  EXPECT_TRUE(AllAgreeOn({kept, imported, parked}));
  client->hand_over().Reset();
  EXPECT_TRUE(AllAgreeOn({kept, imported}));
  EXPECT_TRUE(card->CloseHandle(*handle).ok());
  EXPECT_TRUE(AllAgreeOn({kept}));
  EXPECT_EQ(ReadBooks().accounting, GetParam().accounting);

  // What came since is watched.
  const Names fresh = Allocate(*client, 1);
  EXPECT_TRUE(AllAgreeOn({kept, fresh[0]}));
  client->Kill();
  EXPECT_TRUE(AllAgreeOn({}));
  EXPECT_EQ(ReadBooks().accounting, "WATCH");
}

INSTANTIATE_TEST_SUITE_P(
    Sources, SightTest,
    testing::Values(Sight{"Sysfs", {}, "SYSFS"},
                    Sight{"BufinfoWithoutSysfs", {"/sys/kernel/dmabuf"}, "BUFINFO"},
                    // An empty folder in the kernel's place is no list of no buffers.
                    Sight{"BufinfoWithAnEmptySysfs", {"/sys/kernel/dmabuf/buffers"}, "BUFINFO"}),
    [](const auto& sight) { return std::string(sight.param.name); });

TEST_F(AccountingTest, WithNothingButProcWhatProcessesHaveIsFoundAndTheRestSaidToBeUnseen) {
  Start();
  auto client = NewClient();
  const Names names = Allocate(*client, 4);
  const std::string kept = names[0], passed = names[1], parked = names[2], lost = names[3];
  UniqueFd third = PassOn(*client, passed);
  Send(*client, parked);

  KillAll();
  client->Expect(absl::StrCat("closefd ", lost));
  Start({}, {"/sys"});

  EXPECT_EQ(ReadBooks().accounting, "PARTIAL");
  // No process has what is parked, so two scans write it off.
  EXPECT_TRUE(BooksComeTo({kept, passed}));
  EXPECT_EQ(DmaBufsOfSysfs().count(InodeIn(parked)), 1u);
  EXPECT_EQ(ReadBooks().accounting, "PARTIAL");
  const GuestResult told = RunInGuest({"dmaheapctl", "get", "buffers", "--all"}, /*uid=*/0);
  EXPECT_TRUE(absl::StrContains(told.error, "the accounting is partial")) << told.error;

  third.Reset();
  EXPECT_TRUE(BooksComeTo({kept}));
  client->hand_over().Reset();
  EXPECT_TRUE(AllAgreeOn({kept}));
  client->Kill();
  EXPECT_TRUE(AllAgreeOn({}));
}

}  // namespace
}  // namespace dmaheap
