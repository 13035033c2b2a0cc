// debugfs dma_buf/bufinfo: what was read can be written as the kernel writes it, and is then read
// as a whole list of the same buffers.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/diagnosis/prober/bufinfo.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap;
  const BufInfo info = ParseBufInfo(fuzz::AsText(data, size));
  std::string written = "size\tflags\tmode\tcount\texp_name\tino\tname\n";
  uint64_t bytes = 0;
  bool fits = true;
  for (const BufferRecord& record : info.buffers) {
    DEMAND(memchr(record.name, '\0', sizeof(record.name)) != nullptr);
    DEMAND(memchr(record.exporter, '\0', sizeof(record.exporter)) != nullptr);
    DEMAND(record.backing == BufferBacking::kDmaBuf);
    DEMAND(record.holders == 0 && record.reserved == 0);
    absl::StrAppendFormat(&written, "%08u\t%08x\t%08x\t%08u\t%s\t%08u\t%s\n", record.size_bytes, 0,
                          0, record.references, record.exporter, record.inode,
                          record.name[0] == '\0' ? "<none>" : record.name);
    fits = fits && record.size_bytes <= std::numeric_limits<uint64_t>::max() - bytes;
    bytes += record.size_bytes;
  }
  absl::StrAppend(&written, "\nTotal ", info.buffers.size(), " objects, ", bytes, " bytes\n");
  // No machine has so many bytes.
  DEMAND(fits || !info.complete);
  const BufInfo again = ParseBufInfo(written);
  DEMAND(again.complete == fits && again.buffers.size() == info.buffers.size());
  for (size_t i = 0; i < again.buffers.size(); ++i) {
    const BufferRecord& a = info.buffers[i];
    const BufferRecord& b = again.buffers[i];
    DEMAND(a.inode == b.inode && a.size_bytes == b.size_bytes && a.references == b.references);
    DEMAND(strcmp(a.name, b.name) == 0 && strcmp(a.exporter, b.exporter) == 0);
  }
  return 0;
}
