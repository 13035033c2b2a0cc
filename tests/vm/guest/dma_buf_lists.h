// The guest's kernel's own two lists of its dma-bufs, read anew at each call, without the code that
// the daemon reads them with. Root, for debugfs. A list that can not be read fails the test.

#ifndef TESTS_VM_GUEST_DMA_BUF_LISTS_H_
#define TESTS_VM_GUEST_DMA_BUF_LISTS_H_

#include <cstdint>
#include <map>
#include <string>

namespace dmaheap {

// Inode number -> bytes.
using DmaBufSizes = std::map<uint64_t, int64_t>;

// /sys/kernel/dmabuf/buffers.
DmaBufSizes DmaBufsOfSysfs();

// debugfs dma_buf/bufinfo.
DmaBufSizes DmaBufsOfBufinfo();

// Who made it, by sysfs: "cma_heap", "udmabuf", a DRM driver.
std::string ExporterOf(uint64_t inode);

}  // namespace dmaheap

#endif  // TESTS_VM_GUEST_DMA_BUF_LISTS_H_
