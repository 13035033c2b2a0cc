#include "tests/vm/guest/guest_process.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

// An emulated processor is some twenty times slower than the real one.
constexpr int kPatienceMilliseconds = 60'000;

[[noreturn]] void Become(std::vector<std::string> words, uid_t uid, int input, int output,
                         int error) {
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(error, STDERR_FILENO);
  if (uid != 0 && (setgroups(0, nullptr) != 0 || setresgid(uid, uid, uid) != 0 ||
                   setresuid(uid, uid, uid) != 0)) {
    _exit(126);
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  _exit(127);
}

}  // namespace

GuestProcess::GuestProcess(std::vector<std::string> words, uid_t uid) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
    ADD_FAILURE() << "no pipes";
    return;
  }
  const UniqueFd its_input(in[0]), its_output(out[1]);
  input_end_.Reset(in[1]);
  output_end_.Reset(out[0]);
  // A file, as nobody reads it meanwhile.
  error_file_.Reset(memfd_create("stderr", MFD_CLOEXEC));
  pid_ = fork();
  if (pid_ == 0) {
    Become(std::move(words), uid, its_input.get(), its_output.get(), error_file_.get());
  }
  EXPECT_GT(pid_, 0) << absl::StrJoin(words, " ");
}

GuestProcess::~GuestProcess() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool GuestProcess::ReadSome() {
  pollfd ready = {.fd = output_end_.get(), .events = POLLIN, .revents = 0};
  if (poll(&ready, 1, kPatienceMilliseconds) <= 0) {
    ADD_FAILURE() << "process " << pid_ << " says nothing after: " << output_;
    return false;
  }
  char bytes[4096];
  const ssize_t got = read(output_end_.get(), bytes, sizeof(bytes));
  if (got <= 0) return false;
  output_.append(bytes, static_cast<size_t>(got));
  return true;
}

std::string GuestProcess::ReadLine() {
  size_t end;
  while ((end = output_.find('\n', read_)) == std::string::npos) {
    if (!ReadSome()) return std::string();
  }
  std::string line = output_.substr(read_, end - read_);
  read_ = end + 1;
  return line;
}

bool GuestProcess::ReadUntil(absl::string_view text) {
  while (true) {
    const size_t before = read_;
    const std::string line = ReadLine();
    if (line == text) return true;
    if (read_ == before) return false;
  }
}

void GuestProcess::WriteLine(absl::string_view text) {
  const std::string line = absl::StrCat(text, "\n");
  EXPECT_EQ(write(input_end_.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
}

int GuestProcess::Wait() {
  input_end_.Reset();
  while (ReadSome()) {
  }
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  char bytes[4096];
  ssize_t got;
  while ((got = pread(error_file_.get(), bytes, sizeof(bytes), static_cast<off_t>(error_.size()))) >
         0) {
    error_.append(bytes, static_cast<size_t>(got));
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

GuestResult RunInGuest(std::vector<std::string> words, uid_t uid) {
  GuestProcess process(std::move(words), uid);
  GuestResult result;
  result.exit_code = process.Wait();
  result.output = process.output();
  result.error = process.error();
  return result;
}

}  // namespace dmaheap
