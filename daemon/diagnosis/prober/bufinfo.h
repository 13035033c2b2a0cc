// debugfs dma_buf/bufinfo, the kernel's list of all dma-bufs, taken apart: a pure function.
//
// Format: drivers/dma-buf/dma-buf.c, dma_buf_debug_show. A buffer is a line
//   "%08zu\t%08x\t%08x\t%08ld\t%s\t%08lu\t%s\n"  size flags mode count exp_name ino name
// and lines about its fences and attachments; the list ends with "Total N objects, M bytes".
//
// The name is text of the buffer's owner, up to 31 bytes with whatever in it (DMA_BUF_SET_NAME), so
// it could hold a line break and what looks like another buffer. Such a line can not have the
// kernel's zero-filled columns, which alone take 47 bytes; a line with shorter ones is passed over.
// As a second belt the total must agree.

#ifndef DAEMON_DIAGNOSIS_PROBER_BUFINFO_H_
#define DAEMON_DIAGNOSIS_PROBER_BUFINFO_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "daemon/diagnosis/prober/prober_wire.h"

namespace dmaheap {

struct BufInfo {
  std::vector<BufferRecord> buffers;
  // The text has its end, and number and bytes of the buffers found are those of its total.
  bool complete = false;
};

BufInfo ParseBufInfo(absl::string_view text);

// Copies text into a field of a record, cut to fit, with a NUL byte behind it.
template <size_t kSize>
void CopyText(absl::string_view text, char (&field)[kSize]) {
  const size_t length = text.copy(field, kSize - 1);
  field[length] = '\0';
}

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_BUFINFO_H_
