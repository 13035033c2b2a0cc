// A program that a test in the guest runs, as any user: told by lines, read by lines, or just run
// to its end. One thread. The destructor kills what is left of it.

#ifndef TESTS_VM_GUEST_GUEST_PROCESS_H_
#define TESTS_VM_GUEST_GUEST_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/unique_fd.h"
#include "tests/vm/guest/users.h"

namespace dmaheap {

class GuestProcess {
 public:
  // Starts words[0], looked up in PATH, as uid with no other group and no capability.
  explicit GuestProcess(std::vector<std::string> words, uid_t uid = kHalUid);
  ~GuestProcess();
  GuestProcess(const GuestProcess&) = delete;
  GuestProcess& operator=(const GuestProcess&) = delete;

  pid_t pid() const { return pid_; }

  // The next line of its standard output; empty at the end of it. A minute of silence fails the
  // test.
  std::string ReadLine();
  // Reads lines until one is text; false if none was.
  bool ReadUntil(absl::string_view text);
  void WriteLine(absl::string_view text);

  // Reads its output to the end and waits. Its exit code, or 128 and the signal.
  int Wait();
  // All it has said so far; of standard error, all it said until Wait().
  const std::string& output() const { return output_; }
  const std::string& error() const { return error_; }

 private:
  // False at the end.
  bool ReadSome();

  pid_t pid_ = -1;
  UniqueFd input_end_;
  UniqueFd output_end_;
  UniqueFd error_file_;
  std::string output_;
  size_t read_ = 0;
  std::string error_;
};

struct GuestResult {
  int exit_code = -1;
  std::string output;
  std::string error;
};

// Runs a program to its end.
GuestResult RunInGuest(std::vector<std::string> words, uid_t uid = kHalUid);

}  // namespace dmaheap

#endif  // TESTS_VM_GUEST_GUEST_PROCESS_H_
