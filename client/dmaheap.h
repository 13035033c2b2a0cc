// The client library of dmaheapd: asks the daemon for contiguous memory and gets dma-buf fds.
//
//   absl::StatusOr<std::unique_ptr<dmaheap::Client>> client = dmaheap::Client::Connect({});
//   if (!client.ok()) return client.status();
//   absl::StatusOr<dmaheap::Buffer> frame =
//       (*client)->Allocate({.heap = "reserved", .size_bytes = 3840 * 2160 * 3 / 2});
//   if (!frame.ok()) return frame.status();       // says why, and what to do
//   absl::StatusOr<dmaheap::Mapping> pixels = frame->Map(dmaheap::CpuAccess::kReadWrite);
//
// Errors are absl::Status. Code, reason and details are those of the daemon's API (ErrorReasonName,
// ErrorDetails, ErrorRetryAfter below). Every call that talks to the daemon is bounded in time.
//
// When the daemon restarts, the library reconnects within the deadline of the call at hand, with
// jitter, and repeats only what did not arrive. Buffers in hand stay valid: they belong to the
// kernel and to their holders, not to the daemon.
//
// Threads: the library makes none until it has to (the first asynchronous request; one of those
// that has to wait; one with progress; a cancelled request; the first reservation; one that may be
// asked for memory), at most five
// for each Client, and ~Client ends them, within about a second where the daemon does not answer.
//
// The one for reservations sleeps until the daemon's end of the session closes: what a request does
// wakes it not, and a Client without reservations has none. Then it connects again, after a pause
// with jitter (10 ms, and more each time up to half a second, for as long as no daemon is there),
// and has the new session keep the reservations of the old one. So they stay when the daemon was
// started again, also where the program itself makes no call meanwhile. What is required: the
// process runs (is not stopped or frozen) at some time within the lease, which counts from the
// start of the new daemon.
// Fork: a Client does not survive fork() without exec(); every call in the child fails with
// kFailedPrecondition. Buffers and Mappings do survive it.

#ifndef CLIENT_DMAHEAP_H_
#define CLIENT_DMAHEAP_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace dmaheap {
namespace client_internal {
class AsyncAllocation;
class Core;
struct BufferState;
}  // namespace client_internal

// Keeps this library's Buffer apart from other types of that name in one process.
inline namespace client_v0 {

// Whether the pages of a buffer are physically contiguous.
enum class Contiguity {
  kUnspecified = 0,
  // One run of physical pages.
  kPhysical = 1,
  // Ordinary pages of a real heap that promises nothing.
  kScattered = 2,
  // Contiguous only in a simulated area: no device without an IOMMU can use it.
  kSimulated = 3,
};

// "PHYSICAL", "SCATTERED", "SIMULATED", "UNSPECIFIED".
absl::string_view ContiguityName(Contiguity contiguity);

// What the CPU is about to do with the memory, or has done.
enum class CpuAccess { kRead, kWrite, kReadWrite };

// A buffer's memory in this process; munmap on destruction. Not thread-safe: it and its Buffer
// belong to one thread at a time (the bytes at data() are yours to share).
class Mapping {
 public:
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  void* data() const { return data_; }
  int64_t size_bytes() const { return size_bytes_; }

  // Brackets CPU access, so that caches and devices agree (DMA_BUF_IOCTL_SYNC, linux/dma-buf.h).
  // A buffer of a simulated heap may be an ordinary memfd, which is coherent and knows no such
  // request (ENOTTY): that counts as success. kFailedPrecondition after Buffer::TakeFd.
  absl::Status BeginCpuAccess(CpuAccess access);
  absl::Status EndCpuAccess(CpuAccess access);

 private:
  friend class Buffer;
  Mapping(std::shared_ptr<client_internal::BufferState> state, void* data, int64_t size_bytes);

  // Keeps the buffer's fd, and so the meaning of its number, for as long as the mapping lives.
  std::shared_ptr<client_internal::BufferState> state_;
  void* data_ = nullptr;
  int64_t size_bytes_ = 0;
};

// A buffer in the hand of this process: owns its fd (O_CLOEXEC). Destruction closes the fd and
// tells the daemon, once the Mappings are gone too; it may outlive the Client. Move-only; a
// moved-from Buffer may only be destroyed or assigned to. Not thread-safe: one thread at a time.
class Buffer {
 public:
  // Made by Client; for the library's own use.
  explicit Buffer(std::shared_ptr<client_internal::BufferState> state);
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  // Borrowed; -1 after TakeFd.
  int fd() const;
  // What the buffer really has: the size asked for, rounded up to whole pages.
  int64_t size_bytes() const;
  // buffers/{buffer}, the daemon's name for it.
  const std::string& name() const;
  // heaps/{heap} that served it.
  const std::string& heap() const;
  const std::string& label() const;
  Contiguity contiguity() const;
  // reservations/{reservation} that it is charged to; empty for one that was allocated on top of it
  // or without any.
  const std::string& reservation() const;
  // That reservation had it ready. False also where the daemon did not say so of this one: its
  // answer was lost on the way, or of several only some were ready.
  bool was_ready() const;

  // mmap(2) of the whole buffer. Errors carry the errno in their text.
  absl::StatusOr<Mapping> Map(CpuAccess access = CpuAccess::kReadWrite) const;

  // The caller owns the fd from now on, and closes it. The daemon learns from the kernel when the
  // memory is gone.
  [[nodiscard]] int TakeFd();

 private:
  std::shared_ptr<client_internal::BufferState> state_;
};

// A buffer as the daemon describes it.
struct BufferInfo {
  std::string name;  // buffers/{buffer}
  std::string heap;  // heaps/{heap}
  int64_t size_bytes = 0;
  Contiguity contiguity = Contiguity::kUnspecified;
  std::string label;
  absl::Time create_time = absl::InfinitePast();
  // When a held buffer is freed; InfiniteFuture for one that is not held.
  absl::Time expire_time = absl::InfiniteFuture();
};

// Buffers that the daemon holds for whoever comes with the token.
struct HeldBuffers {
  std::vector<BufferInfo> buffers;
  // A secret: whoever has it may claim the buffers.
  std::string claim_token;
};

struct HeapInfo {
  std::string name;  // heaps/{heap}
  std::string kind;  // SYSTEM, CMA, VENDOR, SIMULATED_CMA, DRM_DUMB, VIRTUAL
  Contiguity contiguity = Contiguity::kUnspecified;
  std::vector<std::string> aliases;
  // Absent where the heap has no fixed size or the kernel does not tell.
  absl::optional<int64_t> size_bytes;
  absl::optional<int64_t> free_bytes;
  absl::optional<int64_t> largest_free_bytes;
  int64_t live_buffers = 0;
  int64_t live_bytes = 0;
  int32_t queue_depth = 0;
  int64_t page_size_bytes = 0;
  // heaps/{heap} that a virtual heap stands for, whose memory and numbers these are; empty for any
  // other.
  std::string backing_heap;
  // Name of the policy that requests go by unless they choose.
  std::string retry_policy;
};

// Who goes first where several wait for one area. Who waits long rises.
enum class Priority {
  // The daemon's default: normal, or the highest that this user may have if that is less.
  kUnspecified = 0,
  kLow = 1,
  kNormal = 2,
  kHigh = 3,
};

// A request, of this program or another one, waits for room on a heap of which this client has
// buffers.
struct GiveBackRequest {
  std::string heap;  // heaps/{heap}, by its own name
  // What is missing: of each buffer, in one run, and how many.
  int64_t size_bytes = 0;
  int32_t count = 0;
  // Of who waits.
  Priority priority = Priority::kUnspecified;
};

// Called when the daemon asks for memory: whoever has buffers that it can do without, such as idle
// ones of a pool, destroys them, now or later. To do nothing is no fault. At most once a second for
// each heap; what comes while the callback runs waits, up to 16 questions, of which the oldest go.
//
// It comes on a thread of the library that does nothing else. It may allocate and release, but not
// destroy the Client.
using GiveBackCallback = std::function<void(const GiveBackRequest&)>;

// Every member has a default, so that designated initializers may leave any of them out.
struct ConnectOptions {
  // Folder of the daemon's sockets. Empty: $DMAHEAPD_SOCKET_DIR, else /run/dmaheapd.
  std::string socket_dir{};
  // What this client calls itself, for the operator: at most 64 bytes of printable ASCII. Empty:
  // the name of the program.
  std::string label{};
  // Bounds the handshake.
  absl::Duration timeout = absl::Seconds(5);
  // How long to try again while no daemon listens, for those who may start before it. It adds to
  // timeout.
  absl::Duration wait_for_daemon = absl::ZeroDuration();
  // Empty: this client is not asked. An older daemon never asks; one that was started again, only
  // for buffers that this client got since.
  GiveBackCallback on_give_back{};
};

// What a request that has no outcome yet is at.
enum class AllocationState {
  kUnspecified = 0,
  // Others are before it.
  kInLine = 1,
  // The heap is at work.
  kAttempting = 2,
  // Waits for its next attempt.
  kBackingOff = 3,
};

// What keeps a request waiting, as far as the heap's own numbers tell.
enum class Obstacle {
  kUnspecified = 0,
  // There is a free run that is large enough, or nobody knows: a page that can not be moved just
  // now, or no memory to move pages to.
  kPinned = 1,
  // Somebody has to release something.
  kNoRoom = 2,
  // This user holds buffers of the heap whose release would make room.
  kOwnBuffers = 3,
  // Others who hold what it needs wait for room themselves: one of them has to release something.
  kEachOther = 4,
};

// "PINNED", "NO_ROOM", "OWN_BUFFERS", "EACH_OTHER", "UNSPECIFIED".
absl::string_view ObstacleName(Obstacle obstacle);

// How a request fares that waits for its memory.
struct AllocationProgress {
  // Tries of heaps so far.
  int32_t attempts = 0;
  AllocationState state = AllocationState::kUnspecified;
  Obstacle obstacle = Obstacle::kUnspecified;
  // Until the next attempt, while it backs off; an event may bring it earlier.
  absl::Duration next_delay = absl::ZeroDuration();
  // Since the daemon has the request.
  absl::Duration elapsed = absl::ZeroDuration();
  // heaps/{heap} that is tried now; the policy may turn to another one.
  std::string heap;
  // At the last failure; absent where not known.
  absl::optional<int64_t> free_bytes;
  absl::optional<int64_t> largest_free_bytes;
  // Of this heap: what this user holds, and what others hold who wait for room.
  int64_t own_bytes = 0;
  int64_t waiting_others_bytes = 0;
  // Of the last attempt, with the kernel's errno.
  std::string last_error;
  // Name of the policy that it goes by.
  std::string retry_policy;
  // The page that is in the way, where the daemon can see which one it is: how long it has been
  // there, and who has it in their address space, for people to read ("camera (pid 42, uid 1047)").
  // Empty: nobody was found, or nobody could look. Names are the processes' own words; another
  // user's is "another process" for who has not the right INSPECT.
  absl::Duration stuck_for = absl::ZeroDuration();
  std::string pinned_by;
};

// Called each time that the request is at something else; what changes faster than it is read is
// told once, as it is last. Never once the outcome is there, which it does not tell, and never by
// an older daemon: do not wait for it. When the daemon restarts, the count begins anew.
//
// It comes on a thread of the library, one call at a time. It must not block: the replies of other
// requests wait behind it, and the end of its own. It may cancel, but not destroy the Client.
using ProgressCallback = std::function<void(const AllocationProgress&)>;

// To wait for ever, give an infinite deadline and a policy that does not give up; the alias
// linux,cma-nofail has one:
//
//   (*client)->Allocate({.heap = "linux,cma-nofail",
//                        .size_bytes = 3840 * 2160 * 3 / 2,
//                        .deadline = absl::InfiniteDuration(),
//                        .on_progress = ShowWhatToRelease});
//
// Such a request ends with its buffer, an error that no waiting cures, or the cancellation of an
// asynchronous one. Who holds the very memory that it waits for waits in vain: on_progress tells.
struct AllocateOptions {
  // Required, but for a draw. By name or alias, with or without "heaps/".
  std::string heap{};
  // Required, but for a draw. Bytes of each buffer.
  int64_t size_bytes = 0;
  // Name of the buffers, also the dma-buf's own: at most 31 bytes of printable ASCII.
  std::string label{};
  // From the call on. The daemon answers a little earlier, so that an explanation still arrives.
  absl::Duration deadline = absl::Seconds(5);
  // Makes a repeat idempotent: the daemon gives no second buffer for it. Empty: a random one.
  std::string request_id{};
  Priority priority = Priority::kUnspecified;
  // Name of the retry policy to go by. Empty: the heap's. The daemon's policy file says which a
  // user may choose.
  std::string retry_policy{};
  // Empty: nothing is asked.
  ProgressCallback on_progress{};
  // Draws from this one, with or without "reservations/": heap, size_bytes and label must then be
  // left out or be its own. What it has ready comes without an attempt of the heap; what it has not
  // is allocated, as without it. Buffer::was_ready tells.
  std::string reservation{};
};

struct HoldOptions {
  std::string heap{};
  int64_t size_bytes = 0;
  std::string label{};
  int count = 1;
  // Zero: the daemon's default (60 s). The policy caps it.
  absl::Duration lease = absl::ZeroDuration();
  absl::Duration deadline = absl::Seconds(5);
  std::string request_id{};
  // As in AllocateOptions.
  Priority priority = Priority::kUnspecified;
  std::string retry_policy{};
  ProgressCallback on_progress{};
};

struct ClaimOptions {
  std::string name{};   // buffers/{buffer}
  std::string token{};  // HeldBuffers::claim_token
  absl::Duration deadline = absl::Seconds(5);
};

// A HAL whose frames must be there when the camera is switched on books them when it starts:
//
//   auto frames = (*client)->Reserve({.heap = "reserved",
//                                     .size_bytes = 3840 * 2160 * 3 / 2,
//                                     .count = 6,
//                                     .label = "preview"});
//   if (!frames.ok()) return frames.status();  // there is no room for them: told now, not later
//   ...
//   auto buffers = (*client)->AllocateMany({.reservation = frames->name}, 6);
//
// What was drawn ends with its Buffer, as any does, and another is made in its place.
struct ReserveOptions {
  // Required. By name or alias, with or without "heaps/".
  std::string heap{};
  // Required. Bytes of each buffer.
  int64_t size_bytes = 0;
  // 1 to 32.
  int count = 1;
  // Name of the buffers, also the dma-buf's own: at most 31 bytes of printable ASCII.
  std::string label{};
  // How long it stays once no session keeps it. Zero: the daemon's default (60 s). The policy caps
  // it.
  absl::Duration lease = absl::ZeroDuration();
  // Of the booking, which makes all count buffers, from the call on.
  absl::Duration deadline = absl::Seconds(5);
  // Makes a repeat idempotent, as long as the daemon is not started again. Empty: a random one.
  std::string request_id{};
  // As in AllocateOptions; of the booking, and of what is made again. A request of a higher
  // priority that lacks room takes that of what is ready.
  Priority priority = Priority::kUnspecified;
  std::string retry_policy{};
  // What was drawn and released is made again once fewer than so many exist, and then up to count.
  // 0: count, so at once.
  int refill_below = 0;
  // Of the booking.
  ProgressCallback on_progress{};
};

// A reservation as the daemon describes it.
struct ReservationInfo {
  std::string name;  // reservations/{reservation}
  std::string heap;  // heaps/{heap}
  // Of each buffer, in whole pages.
  int64_t size_bytes = 0;
  int count = 0;
  std::string label;
  Priority priority = Priority::kUnspecified;
  std::string retry_policy;
  int refill_below = 0;
  absl::Duration lease = absl::ZeroDuration();
  // clients/{client} whose session keeps it; empty: none, and it ends at expire_time.
  std::string client;
  absl::Time create_time = absl::InfinitePast();
  // InfiniteFuture while a session keeps it.
  absl::Time expire_time = absl::InfiniteFuture();

  // Of the count: ready to be drawn; drawn and not released yet; being made now.
  int ready = 0;
  int drawn = 0;
  int refilling = 0;
  // Why the last try to make one did not succeed; empty once one does.
  std::string last_error;

  // Since it was made: buffers that were drawn and were ready; asked for and not ready; given back
  // to a request of a higher priority; made again.
  int64_t hits = 0;
  int64_t misses = 0;
  int64_t given_back = 0;
  int64_t refills = 0;
};

// A request under way. Copyable; destroying it neither cancels nor waits. Thread-safe.
class AllocationHandle {
 public:
  AllocationHandle() = default;
  explicit AllocationHandle(std::weak_ptr<client_internal::AsyncAllocation> allocation)
      : allocation_(std::move(allocation)) {}

  // Asks to end the request. Its callback still comes, once: with kCancelled, or with the buffer
  // that was quicker. Does nothing when the callback has run.
  void Cancel();

 private:
  std::weak_ptr<client_internal::AsyncAllocation> allocation_;
};

// A connection to the daemon, with an identity of its own: the uid and label of the process at
// connect. Thread-safe: all methods may be called at once from any thread; destruction may not.
class Client {
 public:
  using AllocateCallback = absl::AnyInvocable<void(absl::StatusOr<Buffer>) &&>;
  using AllocateManyCallback = absl::AnyInvocable<void(absl::StatusOr<std::vector<Buffer>>) &&>;

  // kUnavailable DAEMON_UNREACHABLE: no daemon listens. kPermissionDenied: the socket is not for
  // this user. kFailedPrecondition WIRE_VERSION_UNSUPPORTED: library and daemon are too far apart.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(ConnectOptions options);

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  // Cancels asynchronous requests and waits for their callbacks; so not from within one.
  ~Client();

  // Blocks until the outcome, or the deadline.
  absl::StatusOr<Buffer> Allocate(const AllocateOptions& options);

  // count buffers of one size: all of them or none. At most 32.
  absl::StatusOr<std::vector<Buffer>> AllocateMany(const AllocateOptions& options, int count);

  // Returns at once. The callback comes exactly once, on a thread of the library or on this one: it
  // must not block, for other callbacks wait behind it.
  AllocationHandle AllocateAsync(const AllocateOptions& options, AllocateCallback callback);
  AllocationHandle AllocateManyAsync(const AllocateOptions& options, int count,
                                     AllocateManyCallback callback);

  // Allocates buffers that stay in the daemon until claimed, by this process or another.
  absl::StatusOr<HeldBuffers> Hold(const HoldOptions& options);

  // Takes one held buffer. The first claim wins; the claimer is charged.
  absl::StatusOr<Buffer> Claim(const ClaimOptions& options);

  // Frees a held buffer. For one in somebody's hand a hint, see allocator.proto. The token may be
  // empty for a buffer of this user.
  absl::Status Release(absl::string_view name, absl::string_view token,
                       absl::Duration timeout = absl::Seconds(5));

  // Books buffers ahead, which exist from now on, or says why not, as an allocation of them would.
  // This Client keeps the reservation: it stays for as long as the Client, and for its lease after
  // that, in which a process that was started again may take it up (ListReservations,
  // KeepReservation). See "Threads" for a daemon that is started again. If that happens while this
  // call is under way, what it had booked already stays for its lease beside what the repeat books.
  absl::StatusOr<ReservationInfo> Reserve(const ReserveOptions& options);

  // Those of this user, oldest first, whoever made them.
  absl::StatusOr<std::vector<ReservationInfo>> ListReservations(
      absl::Duration timeout = absl::Seconds(5));
  // kNotFound RESERVATION_NOT_FOUND: it was deleted, its lease ended, or it is another user's.
  absl::StatusOr<ReservationInfo> GetReservation(absl::string_view name,
                                                 absl::Duration timeout = absl::Seconds(5));
  // Has this Client keep a reservation that another one made, as if it were its own. A draw does
  // the same. A reservation is kept by one session alone, the last that asked for it or drew.
  absl::StatusOr<ReservationInfo> KeepReservation(absl::string_view name,
                                                  absl::Duration timeout = absl::Seconds(5));
  // Frees what is ready. What was drawn stays with who has it.
  absl::Status DeleteReservation(absl::string_view name, absl::Duration timeout = absl::Seconds(5));

  absl::StatusOr<std::vector<HeapInfo>> ListHeaps(absl::Duration timeout = absl::Seconds(5));

  // The daemon's version, as it said at connect.
  std::string server_version() const;

 private:
  explicit Client(std::shared_ptr<client_internal::Core> core);

  std::shared_ptr<client_internal::Core> core_;
};

// The version of this library.
absl::string_view LibraryVersion();

// The reason of an error ("HEAP_NOT_FOUND"), of the closed set in errors.proto; empty if it has
// none.
std::string ErrorReasonName(const absl::Status& status);

// Every value that the text of an error names, by key.
std::map<std::string, std::string> ErrorDetails(const absl::Status& status);

// When a repeat makes sense, if the daemon said so.
absl::optional<absl::Duration> ErrorRetryAfter(const absl::Status& status);

}  // namespace client_v0
}  // namespace dmaheap

#endif  // CLIENT_DMAHEAP_H_
