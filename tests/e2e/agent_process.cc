#include "tests/e2e/agent_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "proto/fd_socket.h"

namespace dmaheap {
namespace {

constexpr int kPatienceMilliseconds = 30'000;

}  // namespace

std::string Runfile(absl::string_view path) {
  const char* root = getenv("TEST_SRCDIR");
  return root == nullptr ? std::string(path) : absl::StrCat(root, "/dmaheapd/", path);
}

AgentProcess::AgentProcess(const std::string& socket_dir, uid_t uid, absl::string_view program) {
  int in[2], out[2], sockets[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 ||
      socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
    ADD_FAILURE() << "no pipes";
    return;
  }
  UniqueFd its_input(in[0]), its_output(out[1]), its_socket(sockets[1]);
  input_ = UniqueFd(in[1]);
  output_ = UniqueFd(out[0]);
  hand_over_ = UniqueFd(sockets[0]);
  // dup2 onto itself would keep O_CLOEXEC: first out of the way of 0, 1 and 3.
  UniqueFd clear_input(fcntl(its_input.get(), F_DUPFD_CLOEXEC, 10));
  UniqueFd clear_output(fcntl(its_output.get(), F_DUPFD_CLOEXEC, 10));
  UniqueFd clear_socket(fcntl(its_socket.get(), F_DUPFD_CLOEXEC, 10));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, clear_input.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, clear_output.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, clear_socket.get(), 3);
  const std::string file = Runfile(program);
  std::string uid_word = absl::StrCat("--uid=", uid);
  std::string dir_word = absl::StrCat("--socket-dir=", socket_dir);
  char* argv[] = {const_cast<char*>(file.c_str()), uid_word.data(), dir_word.data(), nullptr};
  const int error = posix_spawn(&pid_, file.c_str(), &actions, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  EXPECT_EQ(error, 0) << file;
  Expect("connect");
}

AgentProcess::~AgentProcess() { Kill(); }

void AgentProcess::Tell(absl::string_view command) {
  const std::string line = absl::StrCat(command, "\n");
  EXPECT_EQ(write(input_.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
}

bool AgentProcess::Answered() const {
  pollfd ready = {.fd = output_.get(), .events = POLLIN, .revents = 0};
  return !unread_.empty() || poll(&ready, 1, 0) > 0;
}

std::vector<std::string> AgentProcess::Answer() {
  while (unread_.find('\n') == std::string::npos) {
    pollfd ready = {.fd = output_.get(), .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, kPatienceMilliseconds) <= 0) {
      ADD_FAILURE() << "the agent does not answer";
      return {};
    }
    char bytes[4096];
    const ssize_t n = read(output_.get(), bytes, sizeof(bytes));
    if (n <= 0) return {};
    unread_.append(bytes, static_cast<size_t>(n));
  }
  const size_t end = unread_.find('\n');
  const std::vector<std::string> words = absl::StrSplit(unread_.substr(0, end), ' ');
  unread_.erase(0, end + 1);
  return words;
}

std::vector<std::string> AgentProcess::Ask(absl::string_view command) {
  Tell(command);
  return Answer();
}

std::vector<std::string> AgentProcess::Expect(absl::string_view command) {
  std::vector<std::string> words = Ask(command);
  if (words.empty() || words[0] != "ok") {
    ADD_FAILURE() << command << ": " << absl::StrJoin(words, " ");
    return {};
  }
  words.erase(words.begin());
  return words;
}

std::string AgentProcess::ReasonOf(absl::string_view command) {
  const std::vector<std::string> words = Ask(command);
  return words.size() > 1 && words[0] == "error" ? words[1] : "";
}

UniqueFd AgentProcess::TakeSentFd() {
  auto datagram = ReceiveDatagram(hand_over_.get(), 16, 1);
  if (!datagram.ok() || datagram->fds.size() != 1) {
    ADD_FAILURE() << "no fd came";
    return UniqueFd();
  }
  return std::move(datagram->fds[0]);
}

void AgentProcess::Kill() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  int status;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

}  // namespace dmaheap
