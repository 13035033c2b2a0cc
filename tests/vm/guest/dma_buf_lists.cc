#include "tests/vm/guest/dma_buf_lists.h"

#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

constexpr char kBuffers[] = "/sys/kernel/dmabuf/buffers";
constexpr char kBufinfo[] = "/sys/kernel/debug/dma_buf/bufinfo";

}  // namespace

DmaBufSizes DmaBufsOfSysfs() {
  DmaBufSizes sizes;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(kBuffers, error)) {
    uint64_t inode = 0;
    int64_t bytes = 0;
    std::ifstream file(entry.path() / "size");
    // One that goes meanwhile has no size any more.
    if (absl::SimpleAtoi(entry.path().filename().string(), &inode) && file >> bytes) {
      sizes[inode] = bytes;
    }
  }
  EXPECT_FALSE(error) << kBuffers << ": " << error.message();
  return sizes;
}

DmaBufSizes DmaBufsOfBufinfo() {
  DmaBufSizes sizes;
  std::ifstream file(kBufinfo);
  EXPECT_TRUE(file) << kBufinfo;
  bool has_total = false;
  for (std::string line; std::getline(file, line);) {
    has_total = has_total || line.rfind("Total ", 0) == 0;
    // size flags mode count exporter inode name
    const std::vector<std::string> columns = absl::StrSplit(line, '\t');
    uint64_t inode = 0;
    int64_t bytes = 0;
    if (columns.size() >= 6 && absl::SimpleAtoi(columns[0], &bytes) &&
        absl::SimpleAtoi(columns[5], &inode)) {
      sizes[inode] = bytes;
    }
  }
  EXPECT_TRUE(has_total) << kBufinfo << " has no end";
  return sizes;
}

std::string ExporterOf(uint64_t inode) {
  std::ifstream file(absl::StrCat(kBuffers, "/", inode, "/exporter_name"));
  std::string name;
  file >> name;
  EXPECT_TRUE(file) << "no dma-buf " << inode;
  return name;
}

}  // namespace dmaheap
