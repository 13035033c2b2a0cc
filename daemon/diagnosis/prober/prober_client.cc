#include "daemon/diagnosis/prober/prober_client.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/log.h"
#include "proto/errno_status.h"
#include "proto/fd_socket.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

absl::optional<int64_t> If(bool present, uint64_t value) {
  if (!present) return absl::nullopt;
  return static_cast<int64_t>(value);
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

DmabufList ToList(const ProberReplyHeader& header, const std::vector<BufferRecord>& buffers,
                  const std::vector<HolderRecord>& holders) {
  DmabufList list;
  list.source = static_cast<ProberSource>(header.source);
  list.buffers_complete = (header.flags & kProberBuffersPartial) == 0;
  list.holders_complete = (header.flags & kProberHoldersPartial) == 0;
  absl::flat_hash_map<std::pair<uint32_t, uint64_t>, size_t> index;
  for (const BufferRecord& record : buffers) {
    index[{static_cast<uint32_t>(record.backing), record.inode}] = list.buffers.size();
    list.buffers.push_back(ToBuffer(record));
  }
  for (const HolderRecord& record : holders) {
    const auto at = index.find({static_cast<uint32_t>(record.backing), record.inode});
    if (at == index.end()) continue;
    list.buffers[at->second].holders.push_back(
        {.pid = record.pid, .kind = record.kind, .count = static_cast<int>(record.count)});
  }
  return list;
}

AreaState ToState(const AreaRecord& record) {
  const auto has = [&](uint32_t bit) { return (record.present & bit) != 0; };
  AreaState state;
  state.base_pfn = If(has(kAreaBasePfn), record.base_pfn);
  state.count_pages = If(has(kAreaCount), record.count_pages);
  state.order_per_bit = If(has(kAreaOrderPerBit), record.order_per_bit);
  state.used_pages = If(has(kAreaUsed), record.used_pages);
  state.maxchunk_pages = If(has(kAreaMaxChunk), record.maxchunk_pages);
  state.alloc_success_pages = If(has(kAreaAllocSuccess), record.alloc_success_pages);
  state.alloc_fail_pages = If(has(kAreaAllocFail), record.alloc_fail_pages);
  state.release_success_pages = If(has(kAreaReleaseSuccess), record.release_success_pages);
  state.debugfs_errno = record.debugfs_errno;
  state.sysfs_errno = record.sysfs_errno;
  return state;
}

CmaFreeList ToFreeList(const AreaRecord& area, const std::vector<RunRecord>& runs) {
  CmaFreeList list;
  list.total_pages = static_cast<int64_t>(area.count_pages);
  for (const RunRecord& run : runs) {
    list.runs.push_back({static_cast<int64_t>(run.first), static_cast<int64_t>(run.pages)});
    list.free_pages += static_cast<int64_t>(run.pages);
  }
  return list;
}

FrameMappers ToMappers(const ProberReplyHeader& header, const std::vector<FrameRecord>& frames,
                       const std::vector<MapperRecord>& mappers) {
  FrameMappers found;
  found.complete = (header.flags & kProberHoldersPartial) == 0;
  for (const FrameRecord& frame : frames) {
    if ((frame.present & kFrameMapCount) != 0) {
      found.map_count = static_cast<int64_t>(frame.map_count);
    }
    if ((frame.present & kFrameFlags) != 0) found.flags = frame.flags;
  }
  for (const MapperRecord& mapper : mappers) {
    found.processes.push_back(
        {.pid = mapper.pid,
         .uid = mapper.uid == kNoUid ? absl::nullopt : absl::optional<uint32_t>(mapper.uid),
         .pages = static_cast<int64_t>(mapper.pages),
         .name = mapper.name});
  }
  return found;
}

FramePinners ToPinners(const ProberReplyHeader& header, const FrameRecord& frame,
                       const std::vector<PinnerRecord>& pinners) {
  FramePinners found;
  found.complete = (header.flags & kProberHoldersPartial) == 0;
  if ((frame.present & kFrameMapCount) != 0) {
    found.map_count = static_cast<int64_t>(frame.map_count);
  }
  if ((frame.present & kFrameReferences) != 0) found.references = frame.references;
  if ((frame.present & kFrameFlags) != 0) found.flags = frame.flags;
  found.most_mapped = frame.most_mapped;
  found.was_free = frame.was_free != 0;
  for (const PinnerRecord& pinner : pinners) {
    found.processes.push_back(
        {.pid = pinner.pid,
         .uid = pinner.uid == kNoUid ? absl::nullopt : absl::optional<uint32_t>(pinner.uid),
         .kind = pinner.kind,
         .name = pinner.name});
  }
  return found;
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
  Pending pending;
  pending.op = ProberOp::kListDmabufs;
  pending.on_dmabufs = std::move(callback);
  return Send("", std::move(pending));
}

absl::StatusOr<uint64_t> ProberClient::GetAreaState(absl::string_view area, AreaCallback callback) {
  Pending pending;
  pending.op = ProberOp::kAreaState;
  pending.on_area = std::move(callback);
  return Send(area, std::move(pending));
}

absl::StatusOr<uint64_t> ProberClient::GetFreeList(absl::string_view area,
                                                   FreeListCallback callback) {
  Pending pending;
  pending.op = ProberOp::kFreeRuns;
  pending.on_free_list = std::move(callback);
  return Send(area, std::move(pending));
}

absl::StatusOr<uint64_t> ProberClient::GetCgroupMembers(int cgroup, MembersCallback callback) {
  Pending pending;
  pending.op = ProberOp::kCgroupMembers;
  pending.on_members = std::move(callback);
  return Send(absl::StrCat(cgroup), std::move(pending));
}

absl::StatusOr<uint64_t> ProberClient::FindMappers(uint64_t first_frame, uint64_t count,
                                                   MappersCallback callback) {
  Pending pending;
  pending.op = ProberOp::kWhoMaps;
  pending.on_mappers = std::move(callback);
  return Send(absl::StrCat(first_frame, " ", count), std::move(pending));
}

absl::StatusOr<uint64_t> ProberClient::FindPinners(uint64_t frame, absl::Duration box,
                                                   PinnersCallback callback) {
  Pending pending;
  pending.op = ProberOp::kWhoPins;
  pending.on_pinners = std::move(callback);
  return Send(absl::StrCat(frame, " ", absl::ToInt64Milliseconds(box)), std::move(pending));
}

absl::StatusOr<uint64_t> ProberClient::WatchPage(pid_t thread, uint64_t replaced,
                                                 PageCallback callback,
                                                 ReleaseCallback on_released) {
  Cancel(replaced);
  watches_.erase(replaced);
  Pending pending;
  pending.op = ProberOp::kWatchPage;
  pending.on_page = std::move(callback);
  absl::StatusOr<uint64_t> sequence = Send(absl::StrCat(thread, " ", replaced), std::move(pending));
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

absl::StatusOr<uint64_t> ProberClient::Send(absl::string_view name, Pending&& pending) {
  const uint64_t sequence = next_sequence_++;
  const absl::StatusOr<std::string> bytes = EncodeProberRequest(pending.op, sequence, name);
  if (!bytes.ok()) return bytes.status();
  if (absl::Status status = SendDatagram(socket_.get(), *bytes, {}); !status.ok()) return status;
  pending_.emplace(sequence, std::move(pending));
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
  pending.buffers.insert(pending.buffers.end(), part.buffers.begin(), part.buffers.end());
  pending.holders.insert(pending.holders.end(), part.holders.begin(), part.holders.end());
  pending.areas.insert(pending.areas.end(), part.areas.begin(), part.areas.end());
  pending.runs.insert(pending.runs.end(), part.runs.begin(), part.runs.end());
  pending.members.insert(pending.members.end(), part.members.begin(), part.members.end());
  pending.frames.insert(pending.frames.end(), part.frames.begin(), part.frames.end());
  pending.pinners.insert(pending.pinners.end(), part.pinners.begin(), part.pinners.end());
  pending.attempts.insert(pending.attempts.end(), part.attempts.begin(), part.attempts.end());
  pending.mappers.insert(pending.mappers.end(), part.mappers.begin(), part.mappers.end());
  if (in_order && (part.header.flags & kProberLast) == 0) return;

  // The callback may ask again, so this request must be gone before.
  const Pending done = std::move(pending);
  pending_.erase(at);
  absl::Status status = absl::OkStatus();
  if (!in_order) {
    // The prober died between two parts and its successor answers.
    status = absl::DataLossError("a part of the prober's reply is missing");
  } else if (part.header.error_number != 0) {
    status = ErrnoStatus(part.header.error_number, "the prober could not answer");
  } else if ((done.op == ProberOp::kAreaState || done.op == ProberOp::kFreeRuns) &&
             done.areas.size() != 1) {
    status = absl::InternalError(
        absl::StrCat("the prober answered with ", done.areas.size(), " areas, not 1"));
  } else if (done.op == ProberOp::kWatchPage && done.attempts.size() != 1) {
    status = absl::InternalError(
        absl::StrCat("the prober answered with ", done.attempts.size(), " attempts, not 1"));
  } else if (done.op == ProberOp::kWhoPins && done.frames.size() != 1) {
    status = absl::InternalError(
        absl::StrCat("the prober answered with ", done.frames.size(), " pages, not 1"));
  }
  Finish(done, part.header, status);
}

void ProberClient::Finish(const Pending& done, const ProberReplyHeader& header,
                          const absl::Status& status) {
  if (done.op == ProberOp::kListDmabufs) {
    if (!status.ok()) return done.on_dmabufs(status);
    done.on_dmabufs(ToList(header, done.buffers, done.holders));
  } else if (done.op == ProberOp::kAreaState) {
    if (!status.ok()) return done.on_area(status);
    done.on_area(ToState(done.areas.front()));
  } else if (done.op == ProberOp::kFreeRuns) {
    if (!status.ok()) return done.on_free_list(status);
    done.on_free_list(ToFreeList(done.areas.front(), done.runs));
  } else if (done.op == ProberOp::kWhoMaps) {
    if (!status.ok()) return done.on_mappers(status);
    done.on_mappers(ToMappers(header, done.frames, done.mappers));
  } else if (done.op == ProberOp::kWhoPins) {
    if (!status.ok()) return done.on_pinners(status);
    done.on_pinners(ToPinners(header, done.frames.front(), done.pinners));
  } else if (done.op == ProberOp::kWatchPage) {
    if (!status.ok()) return done.on_page(status);
    RefusingPage page;
    page.error_number = done.attempts.front().error_number;
    page.windows_refused = static_cast<int>(done.attempts.front().windows_refused);
    for (const FrameRecord& record : done.frames) {
      page.frame = record.frame;
      page.watched = (record.present & kFrameWatched) != 0;
      if ((record.present & kFrameFlags) != 0) page.flags = record.flags;
      if ((record.present & kFrameMapCount) != 0) {
        page.map_count = static_cast<int64_t>(record.map_count);
      }
    }
    done.on_page(page);
  } else {
    if (!status.ok()) return done.on_members(status);
    CgroupMemberList list;
    list.complete = (header.flags & kProberMembersPartial) == 0;
    for (const MemberRecord& record : done.members) list.pids.push_back(record.pid);
    done.on_members(std::move(list));
  }
}

}  // namespace dmaheap
