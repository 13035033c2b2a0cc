#include "daemon/transport/identity_table.h"

#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

PeerIdentity Peer(uint32_t uid) {
  PeerIdentity peer;
  peer.principal.uid = uid;
  return peer;
}

TEST(IdentityTableTest, AConnectionIsFoundByWhatGrpcCallsIt) {
  IdentityTable table;
  table.Insert(1024, Peer(7));
  const auto found = table.Find("fd:1024");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ((*found)->principal.uid, 7u);
}

TEST(IdentityTableTest, WhatIsNoConnectionOfOursIsUnknown) {
  IdentityTable table;
  table.Insert(1024, Peer(7));
  for (const char* peer : {"", "fd:", "fd:1025", "fd:x", "fd:-1", "unix:/run/x",
                           "ipv4:1.2.3.4:1024", "fd:99999999999999", "1024"}) {
    const absl::Status status = table.Find(peer).status();
    EXPECT_EQ(GetReason(status), ErrorReason::SESSION_UNKNOWN) << peer;
    EXPECT_TRUE(absl::IsUnauthenticated(status));
  }
}

TEST(IdentityTableTest, WhoLearnsLateOfAnEndErasesOnlyItsOwn) {
  IdentityTable table;
  const uint64_t first = table.Insert(1024, Peer(7));
  const uint64_t second = table.Insert(1024, Peer(8));
  table.Erase(1024, first);
  ASSERT_TRUE(table.Find("fd:1024").ok());
  EXPECT_EQ((*table.Find("fd:1024"))->principal.uid, 8u);
  table.Erase(1024, second);
  EXPECT_FALSE(table.Find("fd:1024").ok());
  EXPECT_EQ(table.size(), 0u);
  table.Erase(1024, second);
}

TEST(IdentityTableTest, AnIdentityOutlivesItsEntryForWhoHasIt) {
  IdentityTable table;
  const uint64_t generation = table.Insert(1024, Peer(7));
  const auto found = table.Find("fd:1024").value();
  table.Erase(1024, generation);
  EXPECT_EQ(found->principal.uid, 7u);
}

TEST(IdentityTableTest, ThreadsMayUseItTogether) {
  IdentityTable table;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&table, t] {
      for (int i = 0; i < 2000; ++i) {
        const uint64_t generation = table.Insert(2000 + t, Peer(static_cast<uint32_t>(i)));
        table.Find("fd:2000").status().IgnoreError();
        table.Erase(2000 + t, generation);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(table.size(), 0u);
}

}  // namespace
}  // namespace dmaheap
