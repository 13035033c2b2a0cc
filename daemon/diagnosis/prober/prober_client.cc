#include "daemon/diagnosis/prober/prober_client.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/log.h"
#include "proto/errno_status.h"
#include "proto/fd_socket.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

// The prober reads what anybody writes, so its numbers may be any. What is too large is as large as
// can be.
template <typename Signed, typename Unsigned>
Signed AtMost(Unsigned value) {
  constexpr auto kMost = static_cast<Unsigned>(std::numeric_limits<Signed>::max());
  return static_cast<Signed>(std::min(value, kMost));
}

absl::optional<int64_t> If(bool present, uint64_t value) {
  if (!present) return absl::nullopt;
  return AtMost<int64_t>(value);
}

ProbedBuffer ToBuffer(const BufferRecord& record) {
  ProbedBuffer buffer;
  buffer.backing = record.backing;
  buffer.inode = record.inode;
  buffer.size_bytes = If(record.size_bytes != 0, record.size_bytes);
  buffer.references = If(record.references != 0, record.references);
  buffer.exporter = record.exporter;
  buffer.name = record.name;
  return buffer;
}

DmabufList ToList(const ProberReplyPart& reply) {
  DmabufList list;
  list.source = static_cast<ProberSource>(reply.header.source);
  list.buffers_complete = (reply.header.flags & kProberBuffersPartial) == 0;
  list.holders_complete = (reply.header.flags & kProberHoldersPartial) == 0;
  absl::flat_hash_map<std::pair<uint32_t, uint64_t>, size_t> index;
  for (const BufferRecord& record : reply.buffers) {
    index[{static_cast<uint32_t>(record.backing), record.inode}] = list.buffers.size();
    list.buffers.push_back(ToBuffer(record));
  }
  for (const HolderRecord& record : reply.holders) {
    const auto at = index.find({static_cast<uint32_t>(record.backing), record.inode});
    if (at == index.end()) continue;
    list.buffers[at->second].holders.push_back(
        {.pid = record.pid, .kind = record.kind, .count = AtMost<int>(record.count)});
  }
  return list;
}

void AddRun(const RunRecord& run, CmaFreeList& list) {
  list.runs.push_back({.first = static_cast<int64_t>(run.first),
                       .pages = static_cast<int64_t>(run.pages),
                       .range = static_cast<int>(run.range)});
  list.free_pages += static_cast<int64_t>(run.pages);
}

CmaFreeList ToFreeList(const ProberReplyPart& reply) {
  CmaFreeList list;
  list.total_pages = static_cast<int64_t>(reply.areas.front().count_pages);
  for (const RunRecord& run : reply.runs) AddRun(run, list);
  return list;
}

// What the tables of frames say of one.
absl::optional<int64_t> MapCountOf(const FrameRecord& frame) {
  return If((frame.present & kFrameMapCount) != 0, frame.map_count);
}
absl::optional<uint64_t> FlagsOf(const FrameRecord& frame) {
  return If((frame.present & kFrameFlags) != 0, frame.flags);
}

ProbedProcess ToProcess(const ProcessRecord& record) {
  return {.pid = record.pid,
          .uid = record.uid == kNoUid ? absl::nullopt : absl::optional<uint32_t>(record.uid),
          .name = record.name,
          .cgroup = record.cgroup,
          .executable = record.executable};
}

FrameMappers ToMappers(const ProberReplyPart& reply) {
  FrameMappers found;
  found.complete = (reply.header.flags & kProberHoldersPartial) == 0;
  for (const FrameRecord& frame : reply.frames) {
    found.map_count = MapCountOf(frame);
    found.flags = FlagsOf(frame);
  }
  for (const MapperRecord& mapper : reply.mappers) {
    found.processes.push_back({.process = ToProcess(mapper.process),
                               .pages = AtMost<int64_t>(mapper.pages),
                               .path = mapper.path});
  }
  return found;
}

FramePinners ToPinners(const ProberReplyPart& reply) {
  const FrameRecord& frame = reply.frames.front();
  FramePinners found;
  found.complete = (reply.header.flags & kProberHoldersPartial) == 0;
  found.map_count = MapCountOf(frame);
  found.flags = FlagsOf(frame);
  found.references = If((frame.present & kFrameReferences) != 0, frame.references);
  found.most_mapped = frame.most_mapped;
  found.was_free = frame.was_free != 0;
  found.of_forker = (frame.present & kFrameOfForker) != 0;
  for (const PinnerRecord& pinner : reply.pinners) {
    found.processes.push_back({.process = ToProcess(pinner.process), .kind = pinner.kind});
  }
  return found;
}

RefusingPage ToPage(const ProberReplyPart& reply) {
  RefusingPage page;
  page.error_number = reply.attempts.front().error_number;
  page.windows_refused = AtMost<int>(reply.attempts.front().windows_refused);
  for (const FrameRecord& frame : reply.frames) {
    page.frame = frame.frame;
    page.watched = (frame.present & kFrameWatched) != 0;
    page.map_count = MapCountOf(frame);
    page.flags = FlagsOf(frame);
  }
  return page;
}

CgroupMemberList ToMembers(const ProberReplyPart& reply) {
  CgroupMemberList list;
  list.complete = (reply.header.flags & kProberMembersPartial) == 0;
  for (const MemberRecord& record : reply.members) list.pids.push_back(record.pid);
  return list;
}

FailureLog ToFailureLog(const ProberReplyPart& reply) {
  FailureLog log;
  // Of what is missing nobody knows what it would say.
  if ((reply.header.flags & kProberLogPartial) != 0) return log;
  log.whole_since = absl::FromUnixMicros(reply.logs.front().whole_since_microseconds);
  auto run = reply.runs.begin();
  for (const LoggedFailureRecord& record : reply.logged_failures) {
    LoggedFailure& failure = log.failures.emplace_back();
    failure.area = record.area;
    failure.pages = static_cast<int64_t>(record.pages);
    failure.error_number = record.error_number;
    failure.thread = record.thread;
    failure.latest = absl::FromUnixMicros(record.latest_microseconds);
    if (record.total_pages == 0) continue;
    CmaFreeList& list = failure.free_list.emplace();
    list.total_pages = static_cast<int64_t>(record.total_pages);
    for (uint32_t i = 0; i < record.runs && run != reply.runs.end(); ++i, ++run) {
      AddRun(*run, list);
    }
  }
  return log;
}

std::vector<SourceRecord> ToSources(const ProberReplyPart& reply) { return reply.sources; }

// Where such a reply always has one record of a kind.
template <typename Record>
absl::Status OneOf(const std::vector<Record>& records, absl::string_view what) {
  if (records.size() == 1) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("the prober answered with ", records.size(), " ", what, ", not 1"));
}

// One area; its runs ascending, apart, and inside of it.
absl::Status CheckFreeList(const ProberReplyPart& reply) {
  if (absl::Status one = OneOf(reply.areas, "areas"); !one.ok()) return one;
  // No area of a machine has more (heaps/cma_area.cc reads up to that many).
  constexpr uint64_t kMostPages = uint64_t{1} << 40;
  const uint64_t total = reply.areas.front().count_pages;
  bool sound = total <= kMostPages;
  uint64_t free_from = 0;
  for (const RunRecord& run : reply.runs) {
    sound = sound && run.pages > 0 && run.first >= free_from && run.first < total &&
            run.pages <= total - run.first;
    // The page behind a run is in use, or both were one.
    free_from = run.first + run.pages + 1;
  }
  if (sound) return absl::OkStatus();
  return absl::InternalError("the prober answered with a free list that contradicts itself");
}

absl::Status CheckAttempt(const ProberReplyPart& reply) {
  if (absl::Status one = OneOf(reply.attempts, "attempts"); !one.ok()) return one;
  if (reply.attempts.front().error_number >= 0) return absl::OkStatus();
  return absl::InternalError("the prober answered with an errno below 0");
}

absl::Status AnyReply(const ProberReplyPart&) { return absl::OkStatus(); }

// Whether it has more than an answer may: what never ends would take all memory.
bool IsTooLong(const ProberReplyPart& reply) {
  const auto most =
      std::max({reply.buffers.size(), reply.holders.size(), reply.areas.size(), reply.runs.size(),
                reply.members.size(), reply.frames.size(), reply.mappers.size(),
                reply.pinners.size(), reply.attempts.size(), reply.sources.size()});
  // With as many parts without a record.
  return most > kMaxProberRecords || reply.header.part > 10 * kMaxProberRecords;
}

// Turns a reply that was checked into what its caller asked for.
template <typename Callback, typename Convert>
auto Answering(Callback callback, Convert convert,
               absl::Status (*check)(const ProberReplyPart&) = &AnyReply) {
  return [callback = std::move(callback), convert,
          check](const absl::StatusOr<ProberReplyPart>& reply) {
    if (!reply.ok()) return callback(reply.status());
    if (absl::Status status = check(*reply); !status.ok()) return callback(status);
    callback(convert(*reply));
  };
}

}  // namespace

absl::StatusOr<std::unique_ptr<ProberClient>> ProberClient::Create(UniqueFd socket) {
  int type = 0;
  socklen_t size = sizeof(type);
  if (getsockopt(socket.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET) {
    return absl::InvalidArgumentError(
        absl::StrCat("fd ", socket.get(), " is no SOCK_SEQPACKET socket to a prober"));
  }
  const int flags = fcntl(socket.get(), F_GETFL);
  if (flags < 0 || fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return ErrnoStatus(errno, "making the prober's socket non-blocking");
  }
  // Replies to an earlier broker may still be in the socket; 2^64 places keep them apart.
  uint64_t first_sequence = 0;
  if (getrandom(&first_sequence, sizeof(first_sequence), 0) != sizeof(first_sequence)) {
    return ErrnoStatus(errno, "getrandom");
  }
  return std::unique_ptr<ProberClient>(new ProberClient(std::move(socket), first_sequence));
}

absl::StatusOr<uint64_t> ProberClient::ListDmabufs(DmabufsCallback callback) {
  return Send(ProberOp::kListDmabufs, "", Answering(std::move(callback), &ToList));
}

absl::StatusOr<uint64_t> ProberClient::GetFreeList(absl::string_view area,
                                                   FreeListCallback callback) {
  return Send(ProberOp::kFreeRuns, area,
              Answering(std::move(callback), &ToFreeList, &CheckFreeList));
}

absl::StatusOr<uint64_t> ProberClient::GetCgroupMembers(int cgroup, MembersCallback callback) {
  return Send(ProberOp::kCgroupMembers, absl::StrCat(cgroup),
              Answering(std::move(callback), &ToMembers));
}

absl::StatusOr<uint64_t> ProberClient::FindMappers(uint64_t first_frame, uint64_t count,
                                                   MappersCallback callback) {
  return Send(ProberOp::kWhoMaps, absl::StrCat(first_frame, " ", count),
              Answering(std::move(callback), &ToMappers));
}

absl::StatusOr<uint64_t> ProberClient::FindPinners(uint64_t frame, absl::Duration box,
                                                   PinnersCallback callback) {
  return Send(ProberOp::kWhoPins, absl::StrCat(frame, " ", absl::ToInt64Milliseconds(box)),
              Answering(std::move(callback), &ToPinners,
                        [](const Reply& reply) { return OneOf(reply.frames, "pages"); }));
}

absl::StatusOr<uint64_t> ProberClient::FindSources(SourcesCallback callback) {
  return Send(ProberOp::kSources, "", Answering(std::move(callback), &ToSources));
}

absl::StatusOr<uint64_t> ProberClient::ReadKernelLog(LogCallback callback) {
  return Send(ProberOp::kKernelLog, "",
              Answering(std::move(callback), &ToFailureLog,
                        [](const Reply& reply) { return OneOf(reply.logs, "logs"); }));
}

absl::StatusOr<uint64_t> ProberClient::WatchPage(pid_t thread, uint64_t replaced,
                                                 PageCallback callback,
                                                 ReleaseCallback on_released) {
  Cancel(replaced);
  watches_.erase(replaced);
  absl::StatusOr<uint64_t> sequence =
      Send(ProberOp::kWatchPage, absl::StrCat(thread, " ", replaced),
           Answering(std::move(callback), &ToPage, &CheckAttempt));
  if (sequence.ok()) watches_.emplace(*sequence, std::move(on_released));
  return sequence;
}

void ProberClient::UnwatchPage(uint64_t sequence) {
  Cancel(sequence);
  if (watches_.erase(sequence) == 0) return;
  const absl::StatusOr<std::string> bytes =
      EncodeProberRequest(ProberOp::kUnwatchPage, next_sequence_++, absl::StrCat(sequence));
  // Where it does not arrive, the prober drops the watch for a newer one.
  if (bytes.ok()) SendDatagram(socket_.get(), *bytes, {}).IgnoreError();
}

absl::StatusOr<uint64_t> ProberClient::Send(ProberOp op, absl::string_view name,
                                            ReplyCallback on_reply) {
  const uint64_t sequence = next_sequence_++;
  const absl::StatusOr<std::string> bytes = EncodeProberRequest(op, sequence, name);
  if (!bytes.ok()) return bytes.status();
  if (absl::Status status = SendDatagram(socket_.get(), *bytes, {}); !status.ok()) return status;
  pending_.emplace(sequence, Pending{.op = op, .on_reply = std::move(on_reply)});
  return sequence;
}

void ProberClient::Cancel(uint64_t sequence) { pending_.erase(sequence); }

absl::Status ProberClient::OnReadable() {
  while (true) {
    absl::StatusOr<Datagram> datagram =
        ReceiveDatagram(socket_.get(), kMaxProberDatagramBytes, /*max_fds=*/0);
    if (!datagram.ok()) {
      const int error = GetErrno(datagram.status());
      if (error == EAGAIN || error == EWOULDBLOCK) return absl::OkStatus();
      return datagram.status();
    }
    if (datagram->end_of_stream) return ErrnoStatus(EPIPE, "the prober's socket has ended");
    absl::StatusOr<ProberReplyPart> part = DecodeProberReply(datagram->bytes);
    if (!part.ok()) {
      spdlog::warn("event=prober_reply_dropped {}", LogStatus(part.status()));
      continue;
    }
    OnPart(*std::move(part));
  }
}

void ProberClient::OnPart(ProberReplyPart part) {
  if ((part.header.flags & kProberPageReleased) != 0) {
    const auto watch = watches_.find(part.header.sequence);
    if (watch == watches_.end()) return;
    // The callback may end the watch.
    const ReleaseCallback on_released = watch->second;
    return on_released();
  }
  const auto at = pending_.find(part.header.sequence);
  // Asked by an earlier broker, or cancelled.
  if (at == pending_.end()) return;
  Pending& pending = at->second;
  const bool in_order =
      part.header.part == pending.next_part && part.header.op == static_cast<uint32_t>(pending.op);
  ++pending.next_part;
  AppendRecords(std::move(part), pending.arrived);
  const bool too_long = IsTooLong(pending.arrived);
  if (in_order && !too_long && (pending.arrived.header.flags & kProberLast) == 0) return;

  // The callback may ask again, so this request must be gone before.
  Pending done = std::move(pending);
  pending_.erase(at);
  if (!in_order) {
    // The prober died between two parts and its successor answers.
    done.on_reply(absl::DataLossError("a part of the prober's reply is missing"));
  } else if (too_long) {
    done.on_reply(absl::InternalError("the prober's reply has no end"));
  } else if (const int error_number = done.arrived.header.error_number; error_number != 0) {
    done.on_reply(ErrnoStatus(error_number, "the prober could not answer"));
  } else {
    done.on_reply(std::move(done.arrived));
  }
}

}  // namespace dmaheap
