// Every limit of the daemon, each with its reason. What both ends of the wire must know stands in
// proto/wire.h.

#ifndef DAEMON_LIMITS_H_
#define DAEMON_LIMITS_H_

#include <cstddef>

#include "absl/time/time.h"
#include "proto/wire.h"

namespace dmaheap {

// ---- sessions

// A device has tens of media processes; a load test must fit as well.
inline constexpr size_t kMaxSessions = 256;
// One uid is one application or one HAL user with a few processes. A quarter of a quarter of the
// sessions, so that eight hostile uids are needed to take them all.
inline constexpr size_t kMaxSessionsPerUid = 32;
// Connections on the fd channel that have not said Hello. One more, and who stood there longest of
// the uid that has most of them makes room.
inline constexpr size_t kMaxHandshakes = 32;
// A process that was frozen, or is in a debugger, between connect and Hello: dbus' 5 s proved too
// short in the field.
inline constexpr absl::Duration kHandshakeTimeout = absl::Seconds(30);
// A client that leaves a frame unread for so long has stopped; its fds count against our uid's
// in-flight limit (unix(7), ETOOMANYREFS).
inline constexpr absl::Duration kReceiptTimeout = absl::Seconds(10);

// ---- RPC connections

// Clients with a session have one or two; tools come and go.
inline constexpr size_t kMaxRpcConnections = 1024;
// One for each session that a uid can have, tools, and room; an eighth, as of the sessions.
inline constexpr size_t kMaxRpcConnectionsPerUid = 128;
// A request is below 1 KiB; the rest is for fields to come.
inline constexpr int kMaxRequestBytes = 16 * 1024;
// On the admin socket, which only the operator reaches: a policy to check, and the same.
inline constexpr int kMaxAdminRequestBytes = static_cast<int>(kMaxPolicyBytes) + kMaxRequestBytes;
// Policies that are being checked, each of them that large.
inline constexpr int kMaxPolicyChecks = 8;
// What one connection may have under way at once.
inline constexpr int kMaxConcurrentStreams = 16;
inline constexpr int kMaxMetadataBytes = 4 * 1024;

// ---- requests

// Requests of one heap that are not finished: one for every session there can be.
inline constexpr size_t kMaxQueuePerHeap = 256;
// Of one uid among them: one for every session it can have. (8 refused a camera provider whose 16
// threads, one uid, allocate at the same time.)
inline constexpr size_t kMaxQueuePerUid = 32;
// Streams of what becomes of requests: one for each request that a uid can have in a line.
inline constexpr size_t kMaxWatchesPerUid = kMaxQueuePerUid;
// Requests that ended and whose last state waits for a reader of such a stream: some seconds of a
// busy device, a quarter of a MiB.
inline constexpr size_t kMaxUnreadEnds = 1024;
// What OVERLOADED tells the caller to wait: about what a full queue needs.
inline constexpr absl::Duration kOverloadRetryAfter = absl::Milliseconds(100);
// The daemon answers this much before the caller's deadline: a DEADLINE_EXCEEDED made by the gRPC
// library would carry no explanation.
inline constexpr double kDeadlineMarginShare = 0.05;
inline constexpr absl::Duration kMinDeadlineMargin = absl::Milliseconds(5);
inline constexpr absl::Duration kMaxDeadlineMargin = absl::Milliseconds(250);
// Heaps' threads bear names that begin so (comm, in the kernel's words): the kernel's trace is
// asked for theirs only.
inline constexpr char kHeapThreadPrefix[] = "heap-";
// Threads for heaps whose allocations do not disturb each other (system).
inline constexpr int kUnorderedWorkers = 2;
// Answers kept per uid for a repeated request_id, and uids for which any are kept.
inline constexpr size_t kReplaysPerUid = 64;
inline constexpr size_t kReplayUids = 256;

// ---- asking clients

// A pool that is asked closes what it has idle; there is nothing more a moment later.
inline constexpr absl::Duration kMinAskInterval = absl::Seconds(1);

// ---- reservations

// Of one uid: a camera has a few streams, each with buffers of one size, and a uid is one
// application.
inline constexpr size_t kMaxReservationsPerUid = 32;
// Before another buffer is made in the place of one that could not be made, or that was given back:
// what a person does not wait for, doubled up to what a full area is likely to stay full for.
inline constexpr absl::Duration kMinRefillBackoff = absl::Milliseconds(500);
inline constexpr absl::Duration kMaxRefillBackoff = absl::Seconds(30);

// ---- lists

inline constexpr int kDefaultPageSize = 100;
inline constexpr int kMaxPageSize = 1000;

// ---- fds

// Open files of the broker: sessions x window of fds in flight (they count against the sender's
// uid), the connections, and room.
inline constexpr size_t kMaxOpenFiles = 8192;
// Below this many free numbers no new connection is taken, so that the established ones are served.
inline constexpr size_t kReservedFds = 64;
// RPC connections get numbers from here on, in turn: see transport/rpc_connections.h.
inline constexpr int kFirstRpcFd = 1024;

// ---- processes

// Niceness of the daemon's processes, unless an option says otherwise. Somebody waits for each of
// their steps, milliseconds of work behind whatever else runs: in a storm of forks on two
// processors, first tries took 53 ms at 0, 38 at -4, 28 at -10 (250 attempts each, Linux 6.12 in
// emulation). Android's for what a person sees at once (ANDROID_PRIORITY_URGENT_DISPLAY).
inline constexpr int kDefaultNice = -8;

// ---- barriers

// How long a cgroup may be frozen at once; for as long as it takes to move the pages of a frame or
// two. Longer ones would not fit into a second's budget.
inline constexpr absl::Duration kMaxBarrierBox = absl::Milliseconds(50);
// Freezing alone takes 2 to 3 ms.
inline constexpr absl::Duration kMinBarrierBox = absl::Milliseconds(1);
// The order to go on goes out at least so much before the box ends, or a fifth of the box where
// that is less: a keeper that gets its turn a little late is still within it. More where it was
// seen to be later: see keeper/thaw_margin.h.
inline constexpr absl::Duration kThawMargin = absl::Milliseconds(1);
// Of any second a cgroup stands still for at most so much, whoever asks: 5 %, which a person does
// not notice.
inline constexpr absl::Duration kBarrierWindow = absl::Seconds(1);
inline constexpr absl::Duration kBarrierBudget = absl::Milliseconds(50);
// Cgroups that may be named on the command line.
inline constexpr size_t kMaxBarrierCgroups = 16;

// ---- syncs

// Between the begins of two syncs of one file system, whoever asks; and after one that took longer,
// as long a pause as it took. A sync makes everybody's writes go to the disk one by one that would
// have gone together: once a second is five times as often as a journal does by itself.
inline constexpr absl::Duration kMinSyncInterval = absl::Seconds(1);
// File systems that may be named on the command line. Each has a thread of its own once it is used.
inline constexpr size_t kMaxSyncFilesystems = 16;

// ---- accounting

// The dma-buf watch is read at most this often: reading holds a lock that a client's last close
// needs (measured: 10,000 items, up to milliseconds).
inline constexpr absl::Duration kMinReconcileInterval = absl::Seconds(1);
// After a session ended, until its charges settle.
inline constexpr absl::Duration kSettleInterval = absl::Milliseconds(200);
inline constexpr int kSettleAttempts = 5;

}  // namespace dmaheap

#endif  // DAEMON_LIMITS_H_
