#include "daemon/diagnosis/prober/scouts.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "daemon/log.h"
#include "proto/errno_status.h"
#include "proto/fd_socket.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

constexpr absl::Duration kLongestPoll = absl::Minutes(1);
// At one that is late, and gets no turn.
constexpr absl::Duration kLookAgain = absl::Milliseconds(5);

// Waits at most so long, or until a signal comes.
bool IsReadable(int fd, absl::Duration wait) {
  pollfd readable = {.fd = fd, .events = POLLIN, .revents = 0};
  const absl::Duration bounded = std::clamp(wait, absl::ZeroDuration(), kLongestPoll);
  // Not to come back before it is over.
  const int64_t milliseconds = absl::ToInt64Milliseconds(bounded + absl::Microseconds(999));
  return poll(&readable, 1, static_cast<int>(milliseconds)) == 1 && readable.revents != 0;
}

// Its other end is closed: by the end of who had it.
bool HasEnded(int socket) {
  pollfd other = {.fd = socket, .events = 0, .revents = 0};
  return poll(&other, 1, /*timeout=*/0) == 1 && (other.revents & POLLHUP) != 0;
}

// It does not sleep as one does who is held: "PID (NAME) STATE ..." of proc(5), where D is a sleep
// that no signal ends. (Its other sleeps are ended by its Interrupter.)
bool MayRun(pid_t pid) {
  const UniqueFd file(open(absl::StrCat("/proc/", pid, "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  char bytes[256];
  const ssize_t got = read(file.get(), bytes, sizeof(bytes));
  const absl::string_view text(bytes, static_cast<size_t>(std::max<ssize_t>(got, 0)));
  const size_t name_end = text.rfind(") ");
  return name_end != absl::string_view::npos && text.substr(name_end + 2, 1) != "D";
}

}  // namespace

absl::StatusOr<Scouts> Scouts::Start(ScoutFunction look) {
  absl::StatusOr<ScoutZygote> zygote = StartScoutZygote(look);
  if (!zygote.ok()) return zygote.status();
  return Scouts(*std::move(zygote));
}

Scouts::Scouts(Scouts&& other) noexcept
    : zygote_(
          {.pid = std::exchange(other.zygote_.pid, 0), .socket = std::move(other.zygote_.socket)}),
      wanted_(other.wanted_),
      scout_(std::move(other.scout_)),
      scout_pid_(std::exchange(other.scout_pid_, 0)),
      errand_(other.errand_),
      left_(std::move(other.left_)),
      told_of_none_(other.told_of_none_) {}

Scouts::~Scouts() {
  zygote_.socket.Reset();
  if (zygote_.pid > 0) waitpid(zygote_.pid, nullptr, 0);
}

pid_t Scouts::Muster(const TimeBox& box) {
  // What it says of the question before comes too late.
  if (errand_.has_value()) Await(box);
  if (errand_.has_value()) return 0;
  if (scout_.valid()) return scout_pid_;
  if (!zygote_.socket.valid()) return 0;
  if (!wanted_ && left_behind() < kMostScouts) Want();
  while (wanted_ && !box.Ended()) {
    if (!IsReadable(zygote_.socket.get(), box.Left())) continue;
    // Whose end is for the poll loop to see.
    if (!OnReadable().ok()) return 0;
  }
  if (!scout_.valid() && !wanted_ && !std::exchange(told_of_none_, true)) {
    spdlog::warn(
        "event=no_scouts left_behind={} note=\"what holds a page is not looked for until one of "
        "them has ended\"",
        left_behind());
  }
  return scout_.valid() ? scout_pid_ : 0;
}

absl::optional<ScoutAnswer> Scouts::Ask(ScoutQuestion question, const UniqueFd& file, pid_t pid,
                                        absl::Duration length, const TimeBox& box) {
  struct stat status;
  if (fstat(file.get(), &status) != 0) return absl::nullopt;
  const Place place{.device = status.st_dev, .inode = status.st_ino};
  Forget();
  if (IsShunned(place) || Muster(box) == 0) return absl::nullopt;
  const absl::Duration longest = std::min(length, kLongestPoll);
  question.microseconds = absl::ToInt64Microseconds(longest);
  errand_ =
      Errand{.place = place, .look = question.look, .pid = pid, .due_at = MonotonicNow() + longest};
  const int sent = file.get();
  if (!SendDatagram(scout_.get(), EncodeScoutMessage(question), {&sent, 1}).ok()) {
    errand_.reset();
    scout_.Reset();
    Want();
    return absl::nullopt;
  }
  return Await(box);
}

absl::optional<ScoutAnswer> Scouts::Await(const TimeBox& box) {
  while (true) {
    const absl::Duration grace = errand_->due_at + kGrace - MonotonicNow();
    if (IsReadable(scout_.get(), std::min(std::max(grace, kLookAgain), box.Left()))) break;
    if (IsLost()) {
      Leave();
      return absl::nullopt;
    }
    if (box.Ended()) return absl::nullopt;
  }
  errand_.reset();
  const absl::StatusOr<Datagram> answer =
      ReceiveDatagram(scout_.get(), sizeof(ScoutAnswer), /*max_fds=*/0);
  if (answer.ok() && !answer->end_of_stream) {
    return DecodeScoutMessage<ScoutAnswer>(answer->bytes);
  }
  // The kernel was short of memory, perhaps.
  spdlog::warn("event=scout_ended pid={} note=\"another one goes on\"", scout_pid_);
  scout_.Reset();
  Want();
  return absl::nullopt;
}

bool Scouts::IsLost() const {
  const absl::Duration late = MonotonicNow() - errand_->due_at;
  return late >= kPatience || (late >= kGrace && !MayRun(scout_pid_));
}

void Scouts::Leave() {
  const Errand errand = *std::exchange(errand_, absl::nullopt);
  left_.push_back({.socket = std::move(scout_),
                   .place = errand.place,
                   .shunned_until = MonotonicNow() + kShunned});
  spdlog::warn(
      "event=scout_left_behind pid={} looked_at={} file={} left_behind={} note=\"it is held there: "
      "that is not looked at again until it has ended\"",
      scout_pid_, errand.pid,
      errand.look == ScoutLook::kTouchPipe ? absl::StrCat("pipe:[", errand.place.inode, "]")
                                           : "memory",
      left_behind());
  Want();
}

// Also where no more may be: it ends the one that was left.
void Scouts::Want() {
  scout_pid_ = 0;
  wanted_ = SendDatagram(zygote_.socket.get(), EncodeScoutMessage(ScoutWanted()), {}).ok();
}

absl::Status Scouts::OnReadable() {
  absl::StatusOr<Datagram> datagram =
      ReceiveDatagram(zygote_.socket.get(), sizeof(ScoutStarted), /*max_fds=*/1);
  if (!datagram.ok()) return datagram.status();
  if (datagram->end_of_stream) return ErrnoStatus(EPIPE, "the scouts' zygote has ended");
  const auto started = DecodeScoutMessage<ScoutStarted>(datagram->bytes);
  if (!started.has_value()) return ErrnoStatus(EBADMSG, "a message of the scouts' zygote");
  wanted_ = false;
  if (started->error_number == 0 && datagram->fds.size() == 1) {
    scout_ = std::move(datagram->fds[0]);
    scout_pid_ = started->pid;
    told_of_none_ = false;
  } else if (started->error_number != EAGAIN) {
    spdlog::warn("event=scout_not_started errno={}", ErrnoName(started->error_number));
  }
  return absl::OkStatus();
}

int Scouts::left_behind() {
  Forget();
  return static_cast<int>(std::count_if(left_.begin(), left_.end(),
                                        [](const Left& left) { return left.socket.valid(); }));
}

void Scouts::Forget() {
  for (Left& left : left_) {
    if (left.socket.valid() && HasEnded(left.socket.get())) left.socket.Reset();
  }
  const absl::Time now = MonotonicNow();
  std::erase_if(
      left_, [&](const Left& left) { return !left.socket.valid() && left.shunned_until <= now; });
}

bool Scouts::IsShunned(const Place& place) const {
  return std::any_of(left_.begin(), left_.end(),
                     [&](const Left& left) { return left.place == place; });
}

}  // namespace dmaheap
