#include "daemon/handover/inheritance.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

using InheritanceTest = FdLeakCheck;

std::vector<std::pair<std::string, UniqueFd>> Named(const std::vector<std::string>& names) {
  std::vector<std::pair<std::string, UniqueFd>> fds;
  for (const std::string& name : names) {
    fds.emplace_back(name, UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)));
  }
  return fds;
}

TEST_F(InheritanceTest, EveryNameHasItsPlace) {
  auto fds = Named({"rpc", "fd", "admin", "prober", "watch.dmabuf", "watch.memfd", "heap.reserved",
                    "heap.linux,cma", "buffer.4711", "buffer.memfd-4711", "drm.display", "udmabuf",
                    "barrier", "sync.0", "sync.12"});
  std::vector<int> numbers;
  for (const auto& [name, fd] : fds) numbers.push_back(fd.get());

  const Inheritance inheritance = SortInheritance(std::move(fds));

  EXPECT_EQ(inheritance.rpc_listener.get(), numbers[0]);
  EXPECT_EQ(inheritance.fd_listener.get(), numbers[1]);
  EXPECT_EQ(inheritance.admin_listener.get(), numbers[2]);
  EXPECT_EQ(inheritance.prober.get(), numbers[3]);
  EXPECT_EQ(inheritance.dma_buf_watch.get(), numbers[4]);
  EXPECT_EQ(inheritance.memfd_watch.get(), numbers[5]);
  EXPECT_EQ(inheritance.barrier.get(), numbers[12]);
  ASSERT_EQ(inheritance.heap_nodes.size(), 2u);
  EXPECT_EQ(inheritance.heap_nodes[0].name, "reserved");
  EXPECT_EQ(inheritance.heap_nodes[0].fd.get(), numbers[6]);
  EXPECT_EQ(inheritance.heap_nodes[1].name, "linux,cma");
  ASSERT_EQ(inheritance.held_buffers.size(), 2u);
  EXPECT_EQ(inheritance.held_buffers.at({BufferKey::Backing::kDmaBuf, 4711}).get(), numbers[8]);
  EXPECT_EQ(inheritance.held_buffers.at({BufferKey::Backing::kMemfd, 4711}).get(), numbers[9]);
  ASSERT_EQ(inheritance.drm_cards.size(), 1u);
  EXPECT_EQ(inheritance.drm_cards[0].name, "display");
  EXPECT_EQ(inheritance.drm_cards[0].fd.get(), numbers[10]);
  EXPECT_EQ(inheritance.udmabuf.get(), numbers[11]);
  ASSERT_EQ(inheritance.filesystems.size(), 2u);
  EXPECT_EQ(inheritance.filesystems.at(0).get(), numbers[13]);
  EXPECT_EQ(inheritance.filesystems.at(12).get(), numbers[14]);
}

TEST_F(InheritanceTest, WhatHasNoKnownNameIsClosed) {
  auto fds = Named({"", "unknown", "RPC", "rpc ", "buffer.", "buffer.x", "buffer.memfd-", "watch.",
                    "sync.", "sync.x", "sync.-1"});
  const Inheritance inheritance = SortInheritance(std::move(fds));
  EXPECT_FALSE(inheritance.rpc_listener.valid());
  EXPECT_TRUE(inheritance.held_buffers.empty());
  EXPECT_TRUE(inheritance.heap_nodes.empty());
  EXPECT_TRUE(inheritance.drm_cards.empty());
  EXPECT_TRUE(inheritance.filesystems.empty());
}

TEST_F(InheritanceTest, OfTwoWithOneNameTheFirstCounts) {
  auto fds = Named({"rpc", "rpc", "buffer.1", "buffer.1", "watch.memfd", "watch.memfd"});
  const int rpc = fds[0].second.get();
  const int buffer = fds[2].second.get();
  const int watch = fds[4].second.get();
  const Inheritance inheritance = SortInheritance(std::move(fds));
  EXPECT_EQ(inheritance.rpc_listener.get(), rpc);
  EXPECT_EQ(inheritance.held_buffers.at({BufferKey::Backing::kDmaBuf, 1}).get(), buffer);
  EXPECT_EQ(inheritance.memfd_watch.get(), watch);
}

TEST_F(InheritanceTest, NothingIsNothing) {
  const Inheritance inheritance = SortInheritance({});
  EXPECT_FALSE(inheritance.rpc_listener.valid());
  EXPECT_FALSE(inheritance.prober.valid());
}

TEST_F(InheritanceTest, WithoutListeningSocketsTheBrokerSaysHowItIsStarted) {
  unsetenv("LISTEN_FDS");
  unsetenv("LISTEN_PID");
  const absl::Status status = TakeInheritance().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("--role"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace dmaheap
