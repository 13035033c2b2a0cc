// The broker's end of the prober: asks, and gets called back with the answer.
//
//   auto client = ProberClient::Create(std::move(socket)).value();
//   loop.Watch(client->fd(), [&] { client->OnReadable(); });
//   uint64_t ask = client->ListDmabufs([](absl::StatusOr<DmabufList> list) { ... }).value();
//   loop.After(absl::Milliseconds(100), [&] { client->Cancel(ask); });
//
// Nothing here blocks, and nothing here measures time. The prober may die and be restarted between
// request and reply, so a reply may never come: the caller's timer then calls Cancel. What is left
// in the socket by an earlier broker is recognised by its sequence numbers, which begin at a random
// place, and dropped.
//
// One thread (the broker's loop) makes all calls; callbacks run inside OnReadable, and may call any
// method but the destructor.

#ifndef DAEMON_DIAGNOSIS_PROBER_PROBER_CLIENT_H_
#define DAEMON_DIAGNOSIS_PROBER_PROBER_CLIENT_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/diagnosis/failure_log.h"
#include "daemon/diagnosis/prober/prober_wire.h"
#include "heaps/cma_area.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// One process that holds a buffer, in one way.
struct BufferHolder {
  pid_t pid = 0;
  HoldKind kind = HoldKind::kFd;
  // How many fds, or mappings.
  int count = 0;
};

struct ProbedBuffer {
  BufferBacking backing = BufferBacking::kDmaBuf;
  uint64_t inode = 0;
  // Absent where the source does not tell.
  absl::optional<int64_t> size_bytes;
  // References on the file as the kernel counts them, of whatever kind.
  absl::optional<int64_t> references;
  std::string exporter;
  // As its client set it: untrusted text.
  std::string name;
  std::vector<BufferHolder> holders;
};

struct DmabufList {
  ProberSource source = ProberSource::kNone;
  // Every dma-buf that existed is in buffers. A memfd is only ever found by its holders.
  bool buffers_complete = false;
  // Every process was looked into. Fds in flight in sockets and references of drivers are never
  // seen.
  bool holders_complete = false;
  std::vector<ProbedBuffer> buffers;
};

struct CgroupMemberList {
  // 0 for a process of a pid namespace above ours.
  std::vector<pid_t> pids;
  // The time box of the prober did not end before.
  bool complete = false;
};

// Who a process is: untrusted text, as ProcessRecord has it.
struct ProbedProcess {
  pid_t pid = 0;
  // Absent: not told.
  absl::optional<uint32_t> uid;
  std::string name;
  std::string cgroup;
  std::string executable;
};

// Who maps page frames of a range.
struct FrameMappers {
  struct Process {
    ProbedProcess process;
    int64_t pages = 0;
    // Of the file that one of the pages is of. Empty: of none, or not told.
    std::string path;
  };
  std::vector<Process> processes;
  // Every process was looked into.
  bool complete = false;
  // Of the first frame: how often it is mapped, and its KPF_ flags. Absent: not told.
  absl::optional<int64_t> map_count;
  absl::optional<uint64_t> flags;
};

// What holds a page frame beyond its mappings.
struct FramePinners {
  struct Process {
    ProbedProcess process;
    PinKind kind = PinKind::kPipe;
  };
  std::vector<Process> processes;
  // Every process was looked into.
  bool complete = false;
  // Of the frame. Absent: not told.
  absl::optional<int64_t> map_count;
  absl::optional<int64_t> references;
  absl::optional<uint64_t> flags;
  // While it was looked at.
  int64_t most_mapped = 0;
  bool was_free = false;
  // A process that maps it has forked lately.
  bool of_forker = false;
};

struct RefusingPage {
  // 0: no page refused.
  uint64_t frame = 0;
  // What the allocator itself came to; 0: not told. And how many windows pages refused it.
  int error_number = 0;
  int windows_refused = 0;
  // Its release will be told.
  bool watched = false;
  // How often it is mapped, and its KPF_ flags. Absent: not told.
  absl::optional<int64_t> map_count = absl::nullopt;
  absl::optional<uint64_t> flags = absl::nullopt;
};

class ProberClient {
 public:
  using DmabufsCallback = std::function<void(absl::StatusOr<DmabufList>)>;
  using FreeListCallback = std::function<void(absl::StatusOr<CmaFreeList>)>;
  using MembersCallback = std::function<void(absl::StatusOr<CgroupMemberList>)>;
  using MappersCallback = std::function<void(absl::StatusOr<FrameMappers>)>;
  using PinnersCallback = std::function<void(absl::StatusOr<FramePinners>)>;
  using SourcesCallback = std::function<void(absl::StatusOr<std::vector<SourceRecord>>)>;
  using LogCallback = std::function<void(absl::StatusOr<FailureLog>)>;
  using PageCallback = std::function<void(absl::StatusOr<RefusingPage>)>;
  using ReleaseCallback = std::function<void()>;

  // Takes the socket that the keeper hands over as "prober" and makes it non-blocking.
  // INVALID_ARGUMENT if it is no SOCK_SEQPACKET socket.
  static absl::StatusOr<std::unique_ptr<ProberClient>> Create(UniqueFd socket);

  ProberClient(const ProberClient&) = delete;
  ProberClient& operator=(const ProberClient&) = delete;

  // Sends a request; the callback is called at most once, never from inside this call. The number
  // returned is for Cancel. Errors carry the errno: EAGAIN when the prober does not keep up, EPIPE
  // when there is none any more. The callback gets the status of a prober that could not answer.
  absl::StatusOr<uint64_t> ListDmabufs(DmabufsCallback callback);
  // Errors: as ReadFreeRuns of area_reader.h.
  absl::StatusOr<uint64_t> GetFreeList(absl::string_view area, FreeListCallback callback);
  // cgroup is its place on the command line.
  absl::StatusOr<uint64_t> GetCgroupMembers(int cgroup, MembersCallback callback);
  // Errno EPERM: the prober may not see the numbers of frames (CAP_SYS_ADMIN).
  absl::StatusOr<uint64_t> FindMappers(uint64_t first_frame, uint64_t count,
                                       MappersCallback callback);

  // Looks for no longer than box.
  absl::StatusOr<uint64_t> FindPinners(uint64_t frame, absl::Duration box,
                                       PinnersCallback callback);

  // What the kernel lets the prober see: each source once.
  absl::StatusOr<uint64_t> FindSources(SourcesCallback callback);

  // The allocations that failed lately, by the kernel's log. Errno: why it can not be read. Where
  // it was not read to its end, nothing is told of it.
  absl::StatusOr<uint64_t> ReadKernelLog(LogCallback callback);

  // The page that refused the last window of that thread. Errno ENOENT: the kernel told of none;
  // ENOTSUP: it tells of none. on_released is called each time that the page is let go, until
  // Unwatch or until another question replaces this one (replaced: its number, or 0).
  absl::StatusOr<uint64_t> WatchPage(pid_t thread, uint64_t replaced, PageCallback callback,
                                     ReleaseCallback on_released);
  // Neither of its callbacks is called any more.
  void UnwatchPage(uint64_t sequence);

  // The callback of that request will not be called. A reply that comes later is dropped.
  void Cancel(uint64_t sequence);

  // For the loop: call OnReadable when it is readable. Borrowed.
  int fd() const { return socket_.get(); }

  // Takes what is there and calls back. The keeper holds the other end too, so an end of the
  // stream, reported as an error with errno EPIPE, means that the keeper is gone.
  absl::Status OnReadable();

  // Requests that wait for an answer.
  size_t pending() const { return pending_.size(); }

 private:
  // All records of a reply, and the header of its last part.
  using Reply = ProberReplyPart;
  using ReplyCallback = std::function<void(const absl::StatusOr<Reply>&)>;

  // A request and what has arrived of its reply.
  struct Pending {
    ProberOp op = ProberOp::kListDmabufs;
    ReplyCallback on_reply;
    uint32_t next_part = 0;
    Reply arrived = {};
  };

  ProberClient(UniqueFd socket, uint64_t first_sequence)
      : socket_(std::move(socket)), next_sequence_(first_sequence) {}

  absl::StatusOr<uint64_t> Send(ProberOp op, absl::string_view name, ReplyCallback on_reply);
  void OnPart(ProberReplyPart part);

  UniqueFd socket_;
  uint64_t next_sequence_;
  absl::flat_hash_map<uint64_t, Pending> pending_;
  absl::flat_hash_map<uint64_t, ReleaseCallback> watches_;
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_PROBER_CLIENT_H_
