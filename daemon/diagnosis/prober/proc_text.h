// What /proc says of open files and mappings, taken apart: pure functions over untrusted text.
//
// Names in these texts are chosen by whoever made the file, so nothing behind a name is believed:
// of two equal keys the first counts, since the kernel writes its own numbers before the name.

#ifndef DAEMON_DIAGNOSIS_PROBER_PROC_TEXT_H_
#define DAEMON_DIAGNOSIS_PROBER_PROC_TEXT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "daemon/diagnosis/prober/prober_wire.h"

namespace dmaheap {

// What the target of /proc/PID/fd/N, or the path in a line of maps, says of the kind of file: a
// dma-buf ("/dmabuf:NAME", and "anon_inode:dmabuf" before Linux 5.3), a memfd of a simulated
// heap (heaps/memfd_name.h), or nothing of interest.
absl::optional<BufferBacking> ClassifyPath(absl::string_view path);

// The inode of an anonymous pipe, from the target of /proc/PID/fd/N: "pipe:[4711]". Absent for
// anything else.
absl::optional<uint64_t> ParsePipeLink(absl::string_view target);

// The label of a simulated buffer, from the path of its memfd ("/memfd:dmaheap:LABEL (deleted)").
absl::string_view LabelOfMemfd(absl::string_view path);

// /proc/PID/fdinfo/N; fs/proc/fd.c seq_show, and drivers/dma-buf/dma-buf.c dma_buf_show_fdinfo.
struct FdInfo {
  absl::optional<uint64_t> mount_id;
  // Since Linux 5.14.
  absl::optional<uint64_t> inode;
  // Of a dma-buf.
  absl::optional<uint64_t> size_bytes;
  absl::optional<uint64_t> references;
  std::string exporter;
  std::string name;
};
FdInfo ParseFdInfo(absl::string_view text);

// One line of /proc/PID/maps; fs/proc/task_mmu.c show_vma_header_prefix.
struct MapsLine {
  // "major:minor" as the kernel writes it.
  absl::string_view device;
  uint64_t inode = 0;
  absl::string_view path;
};
// Absent for a line that is not whole or has no path. The views point into line.
absl::optional<MapsLine> ParseMapsLine(absl::string_view line);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_PROC_TEXT_H_
