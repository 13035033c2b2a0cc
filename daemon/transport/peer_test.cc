#include "daemon/transport/peer.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/testing/fd_leak_check.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

using PeerTest = FdLeakCheck;

TEST_F(PeerTest, IsTheKernelsWordOnWhoConnected) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  UniqueFd here(ends[0]);
  UniqueFd there(ends[1]);

  const absl::StatusOr<PeerIdentity> peer = ReadPeerIdentity(here.get());

  ASSERT_TRUE(peer.ok()) << peer.status();
  EXPECT_EQ(peer->principal.uid, geteuid());
  EXPECT_EQ(peer->principal.gid, getegid());
  EXPECT_EQ(peer->debug_pid, getpid());
  std::vector<gid_t> own(static_cast<size_t>(getgroups(0, nullptr)));
  ASSERT_GE(getgroups(static_cast<int>(own.size()), own.data()), 0);
  EXPECT_EQ(std::set<uint32_t>(peer->principal.groups.begin(), peer->principal.groups.end()),
            std::set<uint32_t>(own.begin(), own.end()));
}

TEST_F(PeerTest, ManyGroupsAreReadWhole) {
  int ends[2];
  pid_t child = fork();
  // In a child, which may change its groups: only with the right to.
  if (child == 0) {
    std::vector<gid_t> groups;
    for (gid_t gid = 1; gid <= 100; ++gid) groups.push_back(10000 + gid);
    if (setgroups(groups.size(), groups.data()) != 0) _exit(77);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) _exit(1);
    const absl::StatusOr<PeerIdentity> peer = ReadPeerIdentity(ends[0]);
    _exit(peer.ok() && peer->principal.groups.size() == 100 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "setgroups needs CAP_SETGID";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(PeerTest, WhatIsNoSocketHasNoPeer) {
  EXPECT_EQ(GetErrno(ReadPeerIdentity(-1).status()), EBADF);
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  UniqueFd read_end(pipe_ends[0]);
  UniqueFd write_end(pipe_ends[1]);
  EXPECT_EQ(GetErrno(ReadPeerIdentity(read_end.get()).status()), ENOTSOCK);
}

}  // namespace
}  // namespace dmaheap
