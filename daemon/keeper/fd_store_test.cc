#include "daemon/keeper/fd_store.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

int OpenFds() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

std::vector<UniqueFd> Files(int count) {
  std::vector<UniqueFd> files;
  for (int i = 0; i < count; ++i) files.emplace_back(memfd_create("test", MFD_CLOEXEC));
  return files;
}

std::vector<std::string> Names(const FdStore& store) {
  std::vector<std::string> names;
  for (const FdStore::Entry& entry : store.entries()) names.push_back(entry.name);
  return names;
}

class FdStoreTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(OpenFds(), before_); }

 private:
  const int before_ = OpenFds();
};

TEST_F(FdStoreTest, KeepsFdsInTheOrderTheyCame) {
  FdStore store;

  ASSERT_TRUE(store.Add("b", Files(1)).ok());
  ASSERT_TRUE(store.Add("a", Files(2)).ok());

  EXPECT_THAT(Names(store), ElementsAre("b", "a", "a"));
  for (const FdStore::Entry& entry : store.entries()) {
    EXPECT_GE(fcntl(entry.fd.get(), F_GETFD), 0);
  }
}

TEST_F(FdStoreTest, RemoveClosesAllOfAName) {
  FdStore store;
  ASSERT_TRUE(store.Add("a", Files(2)).ok());
  ASSERT_TRUE(store.Add("b", Files(1)).ok());
  const int before = OpenFds();

  EXPECT_EQ(store.Remove("a"), 2u);

  EXPECT_EQ(OpenFds(), before - 2);
  EXPECT_THAT(Names(store), ElementsAre("b"));
  EXPECT_EQ(store.Remove("a"), 0u);
}

TEST_F(FdStoreTest, AnOpenFileIsKeptOnceUnderAName) {
  FdStore store;
  std::vector<UniqueFd> first = Files(1);
  std::vector<UniqueFd> again;
  again.push_back(first[0].Dup());
  std::vector<UniqueFd> other_name;
  other_name.push_back(first[0].Dup());
  ASSERT_TRUE(store.Add("a", std::move(first)).ok());

  ASSERT_TRUE(store.Add("a", std::move(again)).ok());
  ASSERT_TRUE(store.Add("b", std::move(other_name)).ok());

  EXPECT_THAT(Names(store), ElementsAre("a", "b"));
}

TEST_F(FdStoreTest, BeyondTheCountAllOfAMessageIsRefusedAndClosed) {
  FdStore store({.fds = 3, .name_bytes = 100});
  ASSERT_TRUE(store.Add("a", Files(2)).ok());
  const int before = OpenFds();

  const absl::Status status = store.Add("b", Files(2));

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("limit is 3"));
  EXPECT_THAT(Names(store), ElementsAre("a", "a"));
  EXPECT_EQ(OpenFds(), before);
}

TEST_F(FdStoreTest, TheBytesOfNamesAreLimitedAndComeBackWithRemove) {
  FdStore store({.fds = 100, .name_bytes = 10});
  ASSERT_TRUE(store.Add("aaaa", Files(2)).ok());

  EXPECT_EQ(store.Add("b", Files(1)).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(store.Remove("aaaa"), 2u);
  EXPECT_TRUE(store.Add("b", Files(5)).ok());
}

}  // namespace
}  // namespace dmaheap
