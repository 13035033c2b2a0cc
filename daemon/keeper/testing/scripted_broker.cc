// A broker that keeps the keeper's contract and does what a test tells it: the daemon's main() with
// this RunBroker is the keeper's test subject.
//
// At its start it obeys --policy, whose file holds one line:
//   exit CODE   leave at once
//   hang        never become ready
// Then it serves rpc.sock: one command per connection, answered by a text.
//   pid | fds | hups | fd-limit | env NAME | probe | silent | exit CODE
//   store NAME COUNT | remove NAME | notify TEXT | impostor TEXT
//   freeze CGROUP MILLISECONDS [CLIENT PID]   asks for a barrier and tells the first reply
//   freeze-kill CGROUP MILLISECONDS PID...    the same, and then kills these if it is frozen
//   thaw | thawed                             asks for the thaw, or not, and tells the next reply

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "daemon/daemon.h"
#include "daemon/diagnosis/prober/prober_client.h"
#include "daemon/handover/barrier_wire.h"
#include "daemon/log.h"
#include "proto/fd_socket.h"
#include "proto/unique_fd.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

// Longer than anything that a test waits for.
constexpr uint64_t kBarrierMicroseconds = 10'000'000;
constexpr int kProbeMilliseconds = 2000;

volatile sig_atomic_t stop_asked = 0;
volatile sig_atomic_t hangups = 0;

void OnSignal(int number) {
  if (number == SIGTERM) stop_asked = 1;
  if (number == SIGHUP) hangups = hangups + 1;
}

void Handle(int number) {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  sigaction(number, &action, nullptr);
}

struct NamedFd {
  std::string name;
  UniqueFd fd;
};

class ScriptedBroker {
 public:
  int Run(const Options& options) {
    if (!TakeFds()) return 3;
    std::string line;
    std::ifstream file(options.policy_file);
    std::getline(file, line);
    absl::string_view script = line;
    int code = 0;
    if (absl::ConsumePrefix(&script, "exit ") && absl::SimpleAtoi(script, &code)) return code;
    // Blocked outside of ppoll, so that none is missed.
    sigset_t blocked;
    sigset_t original;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGHUP);
    sigprocmask(SIG_BLOCK, &blocked, &original);
    Handle(SIGTERM);
    Handle(SIGHUP);
    if (script != "hang") sd_notify(0, "STATUS=scripted\nREADY=1");
    uint64_t watchdog = 0;
    const bool watched = sd_watchdog_enabled(0, &watchdog) > 0;
    const timespec half = {.tv_sec = static_cast<time_t>(watchdog / 2'000'000),
                           .tv_nsec = static_cast<long>(watchdog / 2 % 1'000'000 * 1000)};
    while (stop_asked == 0) {
      pollfd listener = {.fd = Find("rpc"), .events = POLLIN, .revents = 0};
      const int ready = ppoll(&listener, 1, watched ? &half : nullptr, &original);
      if (watched && !silent_) sd_notify(0, "WATCHDOG=1");
      if (ready > 0) Serve();
      if (exit_code_ >= 0) return exit_code_;
    }
    sd_notify(0, "STOPPING=1");
    return 0;
  }

 private:
  bool TakeFds() {
    char** names = nullptr;
    const int count = sd_listen_fds_with_names(1, &names);
    if (count < 0) {
      spdlog::error("event=no_fds errno={}", -count);
      return false;
    }
    for (int i = 0; i < count; ++i) {
      fds_.push_back({names[i], UniqueFd(SD_LISTEN_FDS_START + i)});
      free(names[i]);
    }
    free(names);
    return true;
  }

  int Find(absl::string_view name) const {
    for (const NamedFd& entry : fds_) {
      if (entry.name == name) return entry.fd.get();
    }
    return -1;
  }

  void Serve() {
    const UniqueFd connection(accept4(Find("rpc"), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.valid()) return;
    char text[8192];
    const ssize_t length = read(connection.get(), text, sizeof(text));
    if (length <= 0) return;
    const std::string answer = Do(absl::string_view(text, static_cast<size_t>(length)));
    (void)!write(connection.get(), answer.data(), answer.size());
  }

  std::string Do(absl::string_view command) {
    std::vector<std::string> words = absl::StrSplit(command, absl::MaxSplits(' ', 1));
    const std::string verb = words[0];
    const std::string rest = words.size() > 1 ? words[1] : "";
    if (verb == "pid") return absl::StrCat(getpid());
    if (verb == "fds") return ListFds();
    if (verb == "hups") return absl::StrCat(static_cast<int>(hangups));
    if (verb == "env") {
      const char* value = getenv(rest.c_str());
      return value != nullptr ? std::string(value) : std::string("(unset)");
    }
    if (verb == "fd-limit") {
      rlimit limit = {};
      getrlimit(RLIMIT_NOFILE, &limit);
      return absl::StrCat(limit.rlim_cur);
    }
    if (verb == "probe") return Probe();
    if (verb == "silent") {
      silent_ = true;
      return "ok";
    }
    if (verb == "exit") {
      if (!absl::SimpleAtoi(rest, &exit_code_)) return "what code?";
      return "ok";
    }
    if (verb == "store") return Store(rest);
    if (verb == "remove") {
      sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", rest.c_str());
      return Barrier();
    }
    if (verb == "notify") {
      sd_notify(0, rest.c_str());
      return Barrier();
    }
    if (verb == "impostor") return Impostor(rest);
    if (verb == "freeze") return Freeze(absl::StrSplit(rest, ' '));
    if (verb == "freeze-kill") return FreezeAndKill(absl::StrSplit(rest, ' '));
    if (verb == "thaw" || verb == "thawed") return Thaw(verb == "thaw");
    return absl::StrCat("unknown command ", verb);
  }

  // One line for each: name, inode, flags of the fd.
  std::string ListFds() const {
    std::string answer;
    for (const NamedFd& entry : fds_) {
      struct stat status = {};
      fstat(entry.fd.get(), &status);
      absl::StrAppend(&answer, entry.name, " ", status.st_ino, " ",
                      fcntl(entry.fd.get(), F_GETFD) == FD_CLOEXEC ? "cloexec" : "inherited", " ",
                      (fcntl(entry.fd.get(), F_GETFL) & O_NONBLOCK) != 0 ? "nonblock" : "blocking",
                      "\n");
    }
    return answer;
  }

  // After it the keeper has seen everything that we sent before.
  std::string Barrier() {
    const int result = sd_notify_barrier(0, kBarrierMicroseconds);
    return result > 0 ? "ok" : absl::StrCat("barrier: ", result);
  }

  // The inodes that were handed to the keeper.
  std::string Store(absl::string_view arguments) {
    const std::vector<std::string> words = absl::StrSplit(arguments, ' ');
    int count = 0;
    if (words.size() != 2 || !absl::SimpleAtoi(words[1], &count)) return "store NAME COUNT";
    std::string answer;
    std::vector<UniqueFd> owned;
    std::vector<int> numbers;
    for (int i = 0; i < count; ++i) {
      owned.emplace_back(memfd_create("dmaheap:test", MFD_CLOEXEC));
      numbers.push_back(owned.back().get());
      struct stat status = {};
      fstat(numbers.back(), &status);
      absl::StrAppend(&answer, i > 0 ? " " : "", status.st_ino);
    }
    const int sent =
        sd_pid_notify_with_fds(0, 0, absl::StrCat("FDSTORE=1\nFDNAME=", words[0]).c_str(),
                               numbers.data(), static_cast<unsigned>(numbers.size()));
    return sent > 0 ? answer : absl::StrCat("store: ", sent);
  }

  // A process that is not the broker says something.
  std::string Impostor(const std::string& text) {
    const pid_t pid = fork();
    if (pid == 0) {
      sd_notify(0, text.c_str());
      _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return Barrier();
  }

  std::string Probe() {
    UniqueFd socket(fcntl(Find("prober"), F_DUPFD_CLOEXEC, 0));
    if (!socket.valid()) return "no prober";
    auto client = ProberClient::Create(std::move(socket));
    if (!client.ok()) return client.status().ToString();
    std::string answer;
    const auto asked = (*client)->ListDmabufs([&](absl::StatusOr<DmabufList> list) {
      if (!list.ok()) {
        answer = list.status().ToString();
        return;
      }
      answer = absl::StrCat("source ", static_cast<int>(list->source), " holders_complete ",
                            list->holders_complete ? 1 : 0);
      for (const ProbedBuffer& buffer : list->buffers) {
        for (const BufferHolder& holder : buffer.holders) {
          absl::StrAppend(&answer, "\n", buffer.inode, " pid ", holder.pid);
        }
      }
    });
    if (!asked.ok()) return asked.status().ToString();
    while (answer.empty()) {
      pollfd readable = {.fd = (*client)->fd(), .events = POLLIN, .revents = 0};
      if (poll(&readable, 1, kProbeMilliseconds) <= 0) return "no answer";
      if (absl::Status status = (*client)->OnReadable(); !status.ok()) return status.ToString();
    }
    return answer;
  }

  std::string Freeze(const std::vector<std::string>& words) {
    BarrierRequest request;
    request.sequence = ++barrier_;
    int milliseconds = 0;
    if (words.size() < 2 || !absl::SimpleAtoi(words[0], &request.cgroup) ||
        !absl::SimpleAtoi(words[1], &milliseconds)) {
      return "freeze CGROUP MILLISECONDS";
    }
    request.box_microseconds = static_cast<uint32_t>(milliseconds * 1000);
    if (words.size() > 3 && absl::SimpleAtoi(words[3], &request.clients[0])) {
      request.client_count = 1;
    }
    return Say(request);
  }

  std::string FreezeAndKill(const std::vector<std::string>& words) {
    const std::string answer = Freeze({words[0], words[1]});
    if (!absl::StartsWith(answer, "frozen ")) return answer;
    for (size_t i = 2; i < words.size(); ++i) {
      pid_t pid = 0;
      if (absl::SimpleAtoi(words[i], &pid) && pid > 0) kill(pid, SIGKILL);
    }
    return answer;
  }

  std::string Thaw(bool ask) {
    if (!ask) return NextReply();
    BarrierRequest request;
    request.op = BarrierOp::kThaw;
    request.sequence = barrier_;
    return Say(request);
  }

  std::string Say(const BarrierRequest& request) {
    const absl::Status sent = SendDatagram(Find("barrier"), EncodeBarrierMessage(request), {});
    return sent.ok() ? NextReply() : sent.ToString();
  }

  // EVENT reason=N errno=N pid=N us=N
  std::string NextReply() {
    while (true) {
      pollfd readable = {.fd = Find("barrier"), .events = POLLIN, .revents = 0};
      if (poll(&readable, 1, kProbeMilliseconds) <= 0) return "no reply";
      const auto datagram = ReceiveDatagram(Find("barrier"), sizeof(BarrierReply), 0);
      if (!datagram.ok()) return datagram.status().ToString();
      const auto reply = DecodeBarrierMessage<BarrierReply>(datagram->bytes);
      if (!reply.has_value()) return "no reply that decodes";
      // What an earlier broker asked for is of no interest.
      if (reply->sequence != barrier_) continue;
      constexpr const char* kEvents[] = {"?", "frozen", "thawed", "refused"};
      return absl::StrCat(kEvents[static_cast<size_t>(reply->event) % 4],
                          " reason=", static_cast<uint32_t>(reply->reason),
                          " errno=", reply->error_number, " pid=", reply->pid,
                          " us=", reply->nanoseconds / 1000);
    }
  }

  std::vector<NamedFd> fds_;
  // Of the last barrier; another beginning for each broker.
  uint64_t barrier_ = static_cast<uint64_t>(getpid()) << 32;
  bool silent_ = false;
  int exit_code_ = -1;
};

}  // namespace

int RunBroker(const Options& options) { return ScriptedBroker().Run(options); }

}  // namespace dmaheap
