#include "daemon/diagnosis/prober/direct_transfers.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "daemon/diagnosis/prober/pagemap.h"
#include "daemon/diagnosis/prober/process_identity.h"
#include "daemon/diagnosis/prober/tree.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

// Of one call, as the kernel takes them at most (UIO_MAXIOV).
constexpr uint64_t kMostPieces = 1024;
// Of one call: 256 MiB, more than a device is given at once.
constexpr uint64_t kMostPages = 65536;
constexpr size_t kCallBytes = 256;
constexpr size_t kFdInfoBytes = 512;

struct Piece {
  uint64_t address = 0;
  uint64_t bytes = 0;
};

absl::optional<std::string> ReadBelow(int folder, const std::string& path, size_t limit,
                                      const TimeBox& box) {
  const absl::StatusOr<UniqueFd> file = OpenFileBelow(folder, path);
  if (!file.ok()) return absl::nullopt;
  const absl::StatusOr<FileText> text = ReadAll(file->get(), limit, box);
  if (!text.ok()) return absl::nullopt;
  return text->bytes;
}

bool ParseHexWord(absl::string_view word, uint64_t& number) {
  return absl::ConsumePrefix(&word, "0x") && absl::SimpleHexAtoi(word, &number);
}

// The pieces of a call, as they stand in the process's memory.
std::vector<Piece> PiecesOf(int process, const TransferCall& call) {
  if (!call.of_pieces) return {{call.address, call.count}};
  const absl::StatusOr<UniqueFd> memory = OpenFileBelow(process, "mem");
  if (!memory.ok()) return {};
  std::vector<iovec> list(std::min(call.count, kMostPieces));
  const size_t bytes = list.size() * sizeof(iovec);
  if (pread(memory->get(), list.data(), bytes, static_cast<off_t>(call.address)) !=
      static_cast<ssize_t>(bytes)) {
    return {};
  }
  std::vector<Piece> pieces;
  for (const iovec& piece : list) {
    pieces.push_back({reinterpret_cast<uint64_t>(piece.iov_base), piece.iov_len});
  }
  return pieces;
}

bool HasFrame(int process, const std::vector<Piece>& pieces, uint64_t frame, const TimeBox& box) {
  const absl::StatusOr<UniqueFd> pagemap = OpenFileBelow(process, "pagemap");
  if (!pagemap.ok()) return false;
  const uint64_t page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const FrameRange range{.first = frame, .count = 1};
  uint64_t pages = 0;
  for (const Piece& piece : pieces) {
    if (piece.bytes == 0) continue;
    const uint64_t first = piece.address / page_bytes;
    const uint64_t end = (piece.address + piece.bytes - 1) / page_bytes + 1;
    if (end <= first || end - first > kMostPages - pages || box.Ended()) return false;
    pages += end - first;
    std::vector<uint64_t> entries(end - first);
    const ssize_t got = pread(pagemap->get(), entries.data(), entries.size() * sizeof(uint64_t),
                              static_cast<off_t>(first * sizeof(uint64_t)));
    if (got <= 0) continue;
    entries.resize(static_cast<size_t>(got) / sizeof(uint64_t));
    PagemapCount count;
    CountFrames(entries, range, count);
    if (count.inside > 0) return true;
  }
  return false;
}

bool IsGone(const absl::Status& status) {
  const int error = GetErrno(status);
  return error == ENOENT || error == ESRCH;
}

// The calls that its threads wait in, and which move bytes between memory and a file that was
// opened with O_DIRECT. Waits for no lock that a process can hold.
absl::StatusOr<std::vector<TransferCall>> DirectCallsOf(const UniqueFd& process,
                                                        const TimeBox& box) {
  const absl::StatusOr<UniqueFd> tasks = OpenFolderBelow(process.get(), "task");
  if (!tasks.ok()) return tasks.status();
  const absl::StatusOr<std::vector<std::string>> threads = ListFolder(*tasks, box);
  if (!threads.ok()) return threads.status();
  std::vector<TransferCall> calls;
  for (const std::string& thread : *threads) {
    if (box.Ended()) return ErrnoStatus(EINTR, "the end of the time box");
    const auto text = ReadBelow(tasks->get(), thread + "/syscall", kCallBytes, box);
    const auto call = text.has_value() ? ParseTransferCall(*text) : absl::nullopt;
    if (!call.has_value()) continue;
    const auto fdinfo =
        ReadBelow(process.get(), absl::StrCat("fdinfo/", call->fd), kFdInfoBytes, box);
    if (fdinfo.has_value() && IsDirect(*fdinfo)) calls.push_back(*call);
  }
  return calls;
}

// Whether all of it was seen; a process that is gone was.
bool LookInto(int proc, int32_t pid, uint64_t frame, Scouts& scouts, const TimeBox& box,
              ProberReply& reply) {
  const absl::StatusOr<UniqueFd> process = OpenFolderBelow(proc, absl::StrCat(pid));
  if (!process.ok()) return IsGone(process.status());
  // Few are in such a call, and a scout takes its time.
  const auto calls = DirectCallsOf(*process, box);
  if (!calls.ok()) return IsGone(calls.status());
  if (calls->empty()) return true;
  const ScoutQuestion question{.look = ScoutLook::kTransfer, .frame = frame};
  const auto answer = scouts.Ask(question, *process, pid, box.Left(), box);
  if (!answer.has_value()) return false;
  if ((answer->flags & kScoutFound) != 0) {
    reply.pinners.push_back(
        {.process = DescribeProcess(process->get(), pid), .kind = PinKind::kDirectIo});
  }
  return (answer->flags & kScoutWhole) != 0;
}

}  // namespace

absl::optional<TransferCall> ParseTransferCall(absl::string_view text) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  int64_t number = 0;
  if (words.size() < 4 || !absl::SimpleAtoi(words[0], &number)) return absl::nullopt;
  TransferCall call;
  switch (number) {
    case SYS_read:
    case SYS_write:
    case SYS_pread64:
    case SYS_pwrite64:
      break;
    case SYS_readv:
    case SYS_writev:
    case SYS_preadv:
    case SYS_pwritev:
    case SYS_preadv2:
    case SYS_pwritev2:
      call.of_pieces = true;
      break;
    default:
      return absl::nullopt;
  }
  uint64_t fd = 0;
  if (!ParseHexWord(words[1], fd) || !ParseHexWord(words[2], call.address) ||
      !ParseHexWord(words[3], call.count)) {
    return absl::nullopt;
  }
  call.fd = static_cast<int32_t>(fd);
  return call;
}

bool IsDirect(absl::string_view fdinfo) {
  for (absl::string_view line : absl::StrSplit(fdinfo, '\n')) {
    if (!absl::ConsumePrefix(&line, "flags:\t")) continue;
    int64_t flags = 0;
    for (const char digit : line) {
      if (digit < '0' || digit > '7' || flags > INT32_MAX) return false;
      flags = flags * 8 + (digit - '0');
    }
    return (flags & O_DIRECT) != 0;
  }
  return false;
}

ScoutAnswer LookForTransfer(const UniqueFd& process, uint64_t frame, const TimeBox& box) {
  const auto calls = DirectCallsOf(process, box);
  if (!calls.ok()) return {.flags = IsGone(calls.status()) ? kScoutWhole : 0};
  for (const TransferCall& call : *calls) {
    if (box.Ended()) return {};
    if (HasFrame(process.get(), PiecesOf(process.get(), call), frame, box)) {
      return {.flags = kScoutFound | kScoutWhole};
    }
  }
  return {.flags = kScoutWhole};
}

void FindDirectTransfers(const UniqueFd& proc, uint64_t frame, Scouts& scouts, const TimeBox& box,
                         ProberReply& reply) {
  const absl::StatusOr<std::vector<std::string>> names = ListFolder(proc, box);
  if (!names.ok()) {
    reply.flags |= kProberHoldersPartial;
    return;
  }
  for (const std::string& name : *names) {
    int32_t pid = 0;
    if (!absl::SimpleAtoi(name, &pid) || pid <= 0 || !RunsAProgram(proc.get(), name)) continue;
    if (box.Ended() || !LookInto(proc.get(), pid, frame, scouts, box, reply)) {
      reply.flags |= kProberHoldersPartial;
    }
  }
}

}  // namespace dmaheap
