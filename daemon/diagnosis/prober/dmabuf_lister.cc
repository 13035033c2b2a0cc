#include "daemon/diagnosis/prober/dmabuf_lister.h"

#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "daemon/diagnosis/prober/bufinfo.h"
#include "daemon/diagnosis/prober/tree.h"

namespace dmaheap {
namespace {

// The text of kMaxProberRecords buffers with two attachments each.
constexpr size_t kBufInfoBytes = size_t{16} << 20;

// Names of exporters are short words; the record takes 31 bytes.
constexpr size_t kExporterBytes = 64;

using Merged = std::map<std::pair<BufferBacking, uint64_t>, BufferRecord>;

// What the kernel's list says of a buffer counts more than what one process's fdinfo says; both
// together say most.
void Merge(const BufferRecord& from, BufferRecord& into) {
  if (from.size_bytes != 0) into.size_bytes = from.size_bytes;
  if (from.references != 0) into.references = from.references;
  if (from.exporter[0] != '\0') std::copy_n(from.exporter, sizeof(from.exporter), into.exporter);
  if (from.name[0] != '\0') std::copy_n(from.name, sizeof(from.name), into.name);
}

void MergeSource(const DmabufSource& source, Merged& merged) {
  for (const BufferRecord& record : source.buffers) {
    BufferRecord& into = merged[{record.backing, record.inode}];
    into.backing = record.backing;
    into.inode = record.inode;
    Merge(record, into);
  }
}

}  // namespace

absl::StatusOr<DmabufSource> ReadSysfsBuffers(const ProberRoots& roots, const TimeBox& box) {
  const absl::StatusOr<UniqueFd> sys = OpenRoot(roots.sys);
  if (!sys.ok()) return sys.status();
  const absl::StatusOr<UniqueFd> folder = OpenFolderBelow(sys->get(), "kernel/dmabuf/buffers");
  if (!folder.ok()) return folder.status();
  // An empty folder that a container has in the kernel's place would say that there is no buffer.
  if (absl::Status own = CheckSameFileSystem(sys->get(), folder->get()); !own.ok()) return own;
  const absl::StatusOr<std::vector<std::string>> names = ListFolder(*folder, box);
  if (!names.ok()) return names.status();
  DmabufSource source;
  for (const std::string& name : *names) {
    if (box.Ended()) return source;
    BufferRecord record;
    if (!absl::SimpleAtoi(name, &record.inode)) continue;
    const absl::StatusOr<UniqueFd> buffer = OpenFolderBelow(folder->get(), name);
    // It was freed meanwhile.
    if (!buffer.ok()) continue;
    const absl::StatusOr<uint64_t> size = ReadNumberBelow(buffer->get(), "size", box);
    if (size.ok()) record.size_bytes = *size;
    const absl::StatusOr<UniqueFd> exporter = OpenFileBelow(buffer->get(), "exporter_name");
    if (exporter.ok()) {
      const absl::StatusOr<FileText> text = ReadAll(exporter->get(), kExporterBytes, box);
      if (text.ok()) CopyText(absl::StripAsciiWhitespace(text->bytes), record.exporter);
    }
    source.buffers.push_back(record);
  }
  source.complete = true;
  return source;
}

absl::StatusOr<DmabufSource> ReadDebugfsBuffers(const ProberRoots& roots, const TimeBox& box) {
  const absl::StatusOr<UniqueFd> debugfs = OpenRoot(roots.debugfs);
  if (!debugfs.ok()) return debugfs.status();
  const absl::StatusOr<UniqueFd> file = OpenFileBelow(debugfs->get(), "dma_buf/bufinfo");
  if (!file.ok()) return file.status();
  const absl::StatusOr<FileText> text = ReadAll(file->get(), kBufInfoBytes, box);
  if (!text.ok()) return text.status();
  BufInfo info = ParseBufInfo(text->bytes);
  DmabufSource source;
  source.buffers = std::move(info.buffers);
  source.complete = info.complete && text->complete;
  return source;
}

ProberReply DmabufLister::List(const TimeBox& box) {
  ProberReply reply;
  reply.op = ProberOp::kListDmabufs;
  Merged merged;
  bool complete = false;

  // Half of the time at most, so that something is left for the holders.
  const TimeBox half = box.FirstHalf();
  absl::StatusOr<DmabufSource> source = ReadSysfsBuffers(roots_, half);
  reply.source = ProberSource::kSysfs;
  if (!source.ok()) {
    source = ReadDebugfsBuffers(roots_, half);
    reply.source = ProberSource::kDebugfs;
  }
  if (!source.ok()) reply.source = ProberSource::kProcScan;

  absl::StatusOr<ScanResult> scan = [&]() -> absl::StatusOr<ScanResult> {
    const absl::StatusOr<UniqueFd> proc = OpenRoot(roots_.proc);
    if (!proc.ok()) return proc.status();
    return scanner_.Scan(proc->get(), box);
  }();
  if (scan.ok()) merged = std::move(scan->buffers);
  if (source.ok()) {
    complete = source->complete;
    MergeSource(*source, merged);
  } else if (!scan.ok()) {
    reply.source = ProberSource::kNone;
  }

  for (const auto& [key, record] : merged) {
    if (reply.buffers.size() == kMaxProberRecords) {
      complete = false;
      break;
    }
    reply.buffers.push_back(record);
  }
  bool holders_partial = !scan.ok() || scan->partial;
  if (scan.ok()) {
    for (const auto& [key, count] : scan->holds) {
      if (reply.holders.size() == kMaxProberRecords) {
        holders_partial = true;
        break;
      }
      reply.holders.push_back({.inode = key.inode,
                               .backing = key.backing,
                               .pid = key.pid,
                               .kind = key.kind,
                               .count = count});
    }
  }
  if (!complete) reply.flags |= kProberBuffersPartial;
  if (holders_partial) reply.flags |= kProberHoldersPartial;
  return reply;
}

}  // namespace dmaheap
