#include "tests/bench/run_folder.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "proto/testing/fd_leak_check.h"
#include "tests/bench/command_line.h"

namespace dmaheap::bench {
namespace {

class RunFolderTest : public FdLeakCheck {
 protected:
  // In a child: makes a folder, tells its path, and stays until something ends it.
  static pid_t StartRun(absl::Duration limit, int path_to) {
    const pid_t pid = fork();
    if (pid != 0) return pid;
    const auto folder = RunFolder::Create(limit);
    const std::string path = (*folder)->Below("");
    [[maybe_unused]] const ssize_t n = write(path_to, path.data(), path.size());
    close(path_to);
    while (true) pause();
  }

  static std::string ReadAll(int fd) {
    std::string text;
    char bytes[256];
    for (ssize_t n; (n = read(fd, bytes, sizeof(bytes))) > 0;) {
      text.append(bytes, static_cast<size_t>(n));
    }
    return text;
  }

  static int ExitCode(pid_t pid) {
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
};

TEST_F(RunFolderTest, IsOpenToReadersAndGoesWithAllThatIsInIt) {
  std::string inside;
  {
    const auto folder = RunFolder::Create(absl::Minutes(1));
    ASSERT_TRUE(folder.ok()) << folder.status();
    inside = (*folder)->Below("run");
    std::filesystem::create_directory(inside);
    std::ofstream((*folder)->Below("run/file")) << "text";
    struct stat status = {};
    ASSERT_EQ(stat((*folder)->Below("").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0755u);
  }
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(inside).parent_path()));
}

TEST_F(RunFolderTest, GoesWhenTheRunIsInterrupted) {
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  UniqueFd from(pipe_ends[0]), to(pipe_ends[1]);
  const pid_t pid = StartRun(absl::Minutes(1), to.get());
  to.Reset();
  const std::string path = ReadAll(from.get());

  kill(pid, SIGINT);

  EXPECT_EQ(ExitCode(pid), 128 + SIGINT);
  ASSERT_NE(path, "");
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(RunFolderTest, EndsARunThatTakesTooLong) {
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  UniqueFd from(pipe_ends[0]), to(pipe_ends[1]);
  const pid_t pid = StartRun(absl::Milliseconds(50), to.get());
  to.Reset();
  const std::string path = ReadAll(from.get());

  EXPECT_EQ(ExitCode(pid), kExitFailed);
  ASSERT_NE(path, "");
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace dmaheap::bench
