// The test's end of an agent: a client process of any uid, told line by line what to do. agent.cc
// has the client library in it; other programs that obey in the same way may stand in for it.

#ifndef TESTS_E2E_AGENT_PROCESS_H_
#define TESTS_E2E_AGENT_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class AgentProcess {
 public:
  // Starts an agent as uid and lets it connect; a failed connect fails the test.
  AgentProcess(const std::string& socket_dir, uid_t uid,
               absl::string_view program = "tests/e2e/agent");
  // Kills it.
  ~AgentProcess();
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;

  pid_t pid() const { return pid_; }

  // The words of its answer; empty if it died instead.
  std::vector<std::string> Ask(absl::string_view command);
  // The words behind ok; an error fails the test.
  std::vector<std::string> Expect(absl::string_view command);
  // The reason behind error; "" if the command succeeded.
  std::string ReasonOf(absl::string_view command);

  // An fd that the agent sent.
  UniqueFd TakeSentFd();
  // The socket on which sent fds wait; closing it drops them.
  UniqueFd& hand_over() { return hand_over_; }

  // Tells without waiting for the answer.
  void Tell(absl::string_view command);
  // Whether something of the answer is there already.
  bool Answered() const;
  // Waits for the answer to a Tell.
  std::vector<std::string> Answer();

  // SIGKILL, and waits for its end.
  void Kill();

 private:
  pid_t pid_ = -1;
  UniqueFd input_;
  UniqueFd output_;
  UniqueFd hand_over_;
  std::string unread_;
};

// Where Bazel put a file of the tree.
std::string Runfile(absl::string_view path);

}  // namespace dmaheap

#endif  // TESTS_E2E_AGENT_PROCESS_H_
