// What the broker and the prober say to each other over a connected SOCK_SEQPACKET socket.
//
// The prober holds capabilities, so it parses nothing that could be long, nested or optional: a
// request is one datagram of one fixed size. A reply is one or more datagrams: a header of fixed
// size and an array of one kind of record. Both ends are the same binary, so the layout is that of
// the compiler; version guards against a broker that was started from another one. Numbers are in
// host order. Encoding and decoding are pure functions, and decoding takes any bytes.

#ifndef DAEMON_DIAGNOSIS_PROBER_PROBER_WIRE_H_
#define DAEMON_DIAGNOSIS_PROBER_PROBER_WIRE_H_

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace dmaheap {

inline constexpr uint32_t kProberWireVersion = 2;

// One datagram of a reply. The default send buffer of a Unix socket (net.core.wmem_default, 208
// KiB) holds twelve of them, so that the prober rarely waits for the broker.
inline constexpr size_t kMaxProberDatagramBytes = 16384;

// Records of each kind in one answer: more buffers than any machine's fds can name (65536), and
// 8 MiB of datagrams. Of a list that is longer the rest is left out, and the answer is marked
// partial.
inline constexpr size_t kMaxProberRecords = 65536;

enum class ProberOp : uint32_t {
  // The live buffers and who holds them. Records: BufferRecord, then HolderRecord. No name.
  kListDmabufs = 1,
  // The processes of a cgroup of the command line, at any depth. Its place there, in digits, is the
  // name. Records: MemberRecord.
  kCgroupMembers = 3,
  // The processes that map page frames of the range that is the name, "FIRST COUNT" in digits.
  // Records: one FrameRecord, of the first; then MapperRecord.
  kWhoMaps = 4,
  // The page that refused the last window of a thread, and its release from now on. The name is
  // "THREAD REPLACED" in digits, REPLACED the sequence of a question whose watch this one takes
  // over, or 0. Records: one AttemptRecord, and one FrameRecord, with its flags, unless no page
  // refused. Then, each time that the page was let go, one more datagram of the same sequence,
  // without a record, flagged kProberPageReleased.
  kWatchPage = 5,
  // Ends the watch of the question whose sequence is the name, in digits. No record.
  kUnwatchPage = 6,
  // The free pages of the CMA area of that name. Records: one AreaRecord, then RunRecord,
  // ascending.
  kFreeRuns = 7,
  // What holds a page frame beyond its mappings. The name is "FRAME MILLISECONDS" in digits, the
  // latter for how long to look at most. Records: one FrameRecord, then PinnerRecord.
  kWhoPins = 8,
  // What the kernel lets this prober see. Records: one SourceRecord for each EvidenceSource. No
  // name.
  kSources = 9,
  // The allocations that failed lately, by the kernel's log. Records: one LogRecord, then
  // LoggedFailureRecord, in the order of the log, and the RunRecord of their free lists, in the
  // same
  // order. No name.
  kKernelLog = 10,
};

struct ProberRequest {
  uint32_t version = kProberWireVersion;
  uint32_t op = 0;
  // Comes back in each part of the reply.
  uint64_t sequence = 0;
  // Ends with a NUL byte; the rest is NUL.
  char name[64] = {};
};

// Where the list of dma-bufs came from, best first.
enum class ProberSource : uint32_t {
  kNone = 0,
  // /sys/kernel/dmabuf/buffers: every dma-buf there is.
  kSysfs = 1,
  // debugfs dma_buf/bufinfo: every dma-buf there is, with its reference count.
  kDebugfs = 2,
  // /proc/PID/fd and maps: misses fds in flight in sockets and references of drivers.
  kProcScan = 3,
};

enum class ProberRecordKind : uint32_t {
  kNone = 0,
  kBuffer = 1,
  kHolder = 2,
  kArea = 3,
  kMember = 4,
  kFrame = 5,
  kMapper = 6,
  kRun = 7,
  kPinner = 8,
  kAttempt = 9,
  kSource = 10,
  kLog = 11,
  kLoggedFailure = 12
};

// Flags of a reply.
// The last part of the reply.
inline constexpr uint32_t kProberLast = 1;
// The list of dma-bufs is not whole: it is a scan, or the time box ended, or the text did not add
// up.
inline constexpr uint32_t kProberBuffersPartial = 2;
// The holders, and with them the memfds, are not whole: processes could not be looked into, or the
// time box ended. (That no scan sees fds in flight is not marked: it is always so.)
inline constexpr uint32_t kProberHoldersPartial = 4;
// The members of the cgroup are not whole: the time box ended.
inline constexpr uint32_t kProberMembersPartial = 8;
// The kernel's log was not read to its end: the time box ended.
inline constexpr uint32_t kProberLogPartial = 32;
// No answer: the page of that sequence was let go.
inline constexpr uint32_t kProberPageReleased = 16;

struct ProberReplyHeader {
  uint32_t version = kProberWireVersion;
  uint32_t op = 0;
  uint64_t sequence = 0;
  // 0 for the first datagram of a reply, then 1 more for each.
  uint32_t part = 0;
  uint32_t flags = 0;
  uint32_t source = 0;
  // Not 0: the request failed as a whole, and no record follows.
  int32_t error_number = 0;
  uint32_t kind = 0;
  // How many records follow.
  uint32_t count = 0;
};

enum class BufferBacking : uint32_t { kDmaBuf = 1, kMemfd = 2 };

struct BufferRecord {
  uint64_t inode = 0;
  // 0: not known.
  uint64_t size_bytes = 0;
  BufferBacking backing = BufferBacking::kDmaBuf;
  // References on the file as the kernel counts them; 0: not known.
  uint32_t references = 0;
  // Processes that the scan saw holding it.
  uint32_t holders = 0;
  uint32_t reserved = 0;
  // "system_heap", "cma_heap"...; the buffer's name as its client set it, untrusted text. Each ends
  // with a NUL byte.
  char exporter[32] = {};
  char name[32] = {};
};

enum class HoldKind : uint32_t { kFd = 1, kMapping = 2 };

struct HolderRecord {
  uint64_t inode = 0;
  BufferBacking backing = BufferBacking::kDmaBuf;
  int32_t pid = 0;
  HoldKind kind = HoldKind::kFd;
  // How many fds, or mappings, of this process.
  uint32_t count = 0;
};

// In pages; mm/cma_debug.c.
struct AreaRecord {
  uint64_t count_pages = 0;
};

// Free pages next to each other, counted from the beginning of the area's range.
struct RunRecord {
  uint64_t first = 0;
  uint64_t pages = 0;
  uint32_t range = 0;
  uint32_t reserved = 0;
};

struct MemberRecord {
  // 0: of a pid namespace above ours.
  int32_t pid = 0;
};

// Bits of FrameRecord.present.
inline constexpr uint32_t kFrameMapCount = 1;
inline constexpr uint32_t kFrameFlags = 2;
// Not a number: the release of the frame will be told.
inline constexpr uint32_t kFrameWatched = 4;
inline constexpr uint32_t kFrameReferences = 8;
// Not a number: a process that maps the frame has forked lately.
inline constexpr uint32_t kFrameOfForker = 16;

struct FrameRecord {
  uint64_t frame = 0;
  // How often it is mapped (kpagecount), and its KPF_ flags (kpageflags).
  uint64_t map_count = 0;
  uint64_t flags = 0;
  // Which of these were read.
  uint32_t present = 0;
  // How many references to it there are (its _refcount).
  uint32_t references = 0;
  // While it was looked at: how often it was mapped at the most, 2 also where somebody gave up a
  // reference and others were left; and whether nobody had it once.
  uint32_t most_mapped = 0;
  uint32_t was_free = 0;
};

inline constexpr uint32_t kNoUid = 0xffffffff;
// TASK_COMM_LEN of the kernel.
inline constexpr size_t kProcessNameBytes = 16;

// Who a process is, as /proc tells: untrusted text. Each text ends with a NUL byte; of a longer one
// the end is there, after "...".
struct ProcessRecord {
  int32_t pid = 0;
  // Owner of /proc/PID: its effective user id, but 0 for one that may not be dumped (proc(5));
  // kNoUid where it was not read.
  uint32_t uid = kNoUid;
  // /proc/PID/comm; the path in its cgroup of version 2; the target of /proc/PID/exe.
  char name[kProcessNameBytes] = {};
  char cgroup[96] = {};
  char executable[96] = {};
};

struct MapperRecord {
  ProcessRecord process;
  // Of the range, in its address space. 0: it has the file open that they are of.
  uint64_t pages = 0;
  // Of the file that one of these pages is of, as /proc/PID/maps has it. Empty: of none.
  char path[160] = {};
};

// What the kernel told of a thread's last allocation.
struct AttemptRecord {
  // The errno inside of the allocator; 0: not told.
  int32_t error_number = 0;
  // Windows that were refused for the sake of a page.
  uint32_t windows_refused = 0;
};

// What a process has to do with a page beside mapping it; kAllocated: it asked the kernel for it,
// and need not have it any more.
enum class PinKind : uint32_t { kPipe = 1, kDirectIo = 2, kAllocated = 3 };

struct PinnerRecord {
  ProcessRecord process;
  PinKind kind = PinKind::kPipe;
  uint32_t reserved = 0;
};

struct LogRecord {
  // Nothing of the log is missing since then, by the monotonic clock.
  int64_t whole_since_microseconds = 0;
};

// CMA_MAX_NAME of the kernel (include/linux/cma.h).
inline constexpr size_t kAreaNameBytes = 64;

struct LoggedFailureRecord {
  // It was written then at the latest, by the monotonic clock.
  int64_t latest_microseconds = 0;
  uint64_t pages = 0;
  // Of the whole area, and how many runs of it are free. 0: there is no free list.
  uint64_t total_pages = 0;
  uint32_t runs = 0;
  int32_t error_number = 0;
  // Who made it; 0: not told.
  int32_t thread = 0;
  uint32_t reserved = 0;
  // Ends with a NUL byte. Empty: not told.
  char area[kAreaNameBytes] = {};
};

// Where evidence comes from, as v1::EvidenceSource::Kind has it.
enum class EvidenceSource : uint32_t {
  kFreeList = 1,
  kTrace = 2,
  kPageFlags = 3,
  kPageMaps = 4,
  kProcessFiles = 5,
  kReferences = 6,
  kKernelLog = 7,
};

struct SourceRecord {
  EvidenceSource source = EvidenceSource::kFreeList;
  // Why it tells nothing; 0: it tells.
  int32_t error_number = 0;
};

static_assert(sizeof(ProberRequest) == 80);
static_assert(sizeof(ProberReplyHeader) == 40);
static_assert(sizeof(BufferRecord) == 96);
static_assert(sizeof(HolderRecord) == 24);
static_assert(sizeof(AreaRecord) == 8);
static_assert(sizeof(RunRecord) == 24);
static_assert(sizeof(MemberRecord) == 4);
static_assert(sizeof(FrameRecord) == 40);
static_assert(sizeof(ProcessRecord) == 216);
static_assert(sizeof(MapperRecord) == 384);
static_assert(sizeof(PinnerRecord) == 224);
static_assert(sizeof(AttemptRecord) == 8);
static_assert(sizeof(SourceRecord) == 8);
static_assert(sizeof(LogRecord) == 8);
static_assert(sizeof(LoggedFailureRecord) == 104);
static_assert(
    std::is_trivially_copyable_v<ProberRequest> && std::is_trivially_copyable_v<BufferRecord> &&
    std::is_trivially_copyable_v<HolderRecord> && std::is_trivially_copyable_v<AreaRecord> &&
    std::is_trivially_copyable_v<RunRecord> && std::is_trivially_copyable_v<MemberRecord> &&
    std::is_trivially_copyable_v<FrameRecord> && std::is_trivially_copyable_v<MapperRecord> &&
    std::is_trivially_copyable_v<PinnerRecord> && std::is_trivially_copyable_v<AttemptRecord> &&
    std::is_trivially_copyable_v<SourceRecord> && std::is_trivially_copyable_v<LogRecord> &&
    std::is_trivially_copyable_v<LoggedFailureRecord>);

// INVALID_ARGUMENT for a name that does not fit or holds a NUL byte.
absl::StatusOr<std::string> EncodeProberRequest(ProberOp op, uint64_t sequence,
                                                absl::string_view name);

// INVALID_ARGUMENT for bytes of another size, another version, or a name that does not end. An op
// that is not known is left to the caller, who can answer it.
absl::StatusOr<ProberRequest> DecodeProberRequest(absl::string_view bytes);

// One datagram of a reply. Exactly one of the vectors may be filled; kind says which.
struct ProberReplyPart {
  ProberReplyHeader header;
  std::vector<BufferRecord> buffers;
  std::vector<HolderRecord> holders;
  std::vector<AreaRecord> areas;
  std::vector<RunRecord> runs;
  std::vector<MemberRecord> members;
  std::vector<FrameRecord> frames;
  std::vector<MapperRecord> mappers;
  std::vector<PinnerRecord> pinners;
  std::vector<AttemptRecord> attempts;
  std::vector<SourceRecord> sources;
  std::vector<LogRecord> logs;
  std::vector<LoggedFailureRecord> logged_failures;
};

// One datagram that says that the page of that sequence was let go.
std::string EncodePageReleased(uint64_t sequence);

// What a request is answered with, before it is cut into datagrams.
struct ProberReply {
  ProberOp op = ProberOp::kListDmabufs;
  uint64_t sequence = 0;
  uint32_t flags = 0;
  ProberSource source = ProberSource::kNone;
  int32_t error_number = 0;
  std::vector<BufferRecord> buffers;
  std::vector<HolderRecord> holders;
  std::vector<AreaRecord> areas;
  std::vector<RunRecord> runs;
  std::vector<MemberRecord> members;
  std::vector<FrameRecord> frames;
  std::vector<MapperRecord> mappers;
  std::vector<PinnerRecord> pinners;
  std::vector<AttemptRecord> attempts;
  std::vector<SourceRecord> sources;
  std::vector<LogRecord> logs;
  std::vector<LoggedFailureRecord> logged_failures;
};

// The datagrams of a reply, in order: at least one, the last one flagged. Of a failed reply
// (error_number) the records are left out.
std::vector<std::string> EncodeProberReply(const ProberReply& reply);

// INVALID_ARGUMENT for bytes of a wrong size, version, kind or count; texts in records are ended.
absl::StatusOr<ProberReplyPart> DecodeProberReply(absl::string_view bytes);

// Adds the records of a part to those of the parts before it, and takes over its header.
void AppendRecords(ProberReplyPart part, ProberReplyPart& whole);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_PROBER_WIRE_H_
