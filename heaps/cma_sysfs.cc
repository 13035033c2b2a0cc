#include "heaps/cma_sysfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <memory>

#include "absl/strings/string_view.h"
#include "heaps/cma_area.h"

namespace dmaheap {
namespace {

UniqueFd OpenToRead(const std::string& path) {
  return UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
}

// The first max_bytes of a small file.
std::string ReadBeginning(int fd, size_t max_bytes) {
  std::string text(max_bytes, '\0');
  ssize_t got;
  do {
    got = pread(fd, text.data(), text.size(), 0);
  } while (got < 0 && errno == EINTR);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return text;
}

absl::optional<int64_t> PagesToBytes(absl::optional<int64_t> pages, int64_t page_size_bytes) {
  if (!pages.has_value() || *pages > std::numeric_limits<int64_t>::max() / page_size_bytes) {
    return absl::nullopt;
  }
  return *pages * page_size_bytes;
}

}  // namespace

absl::optional<int64_t> ReadCmaCount(int fd) {
  if (fd < 0) return absl::nullopt;
  // A decimal of 64 bits has 20 digits.
  constexpr size_t kMaxBytes = 32;
  const auto count = ParseCmaCount(ReadBeginning(fd, kMaxBytes));
  if (!count.ok()) return absl::nullopt;
  return *count;
}

std::vector<CmaSysfsArea> OpenCmaAreas(const std::string& sysfs, const std::string& meminfo,
                                       int64_t page_size_bytes) {
  std::vector<CmaSysfsArea> areas;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(sysfs.c_str()), closedir);
  if (folder == nullptr) return areas;
  while (const dirent* entry = readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || entry->d_type != DT_DIR) continue;
    const std::string path = sysfs + "/" + name + "/";
    CmaSysfsArea area;
    area.name = name;
    area.total_bytes =
        PagesToBytes(ReadCmaCount(OpenToRead(path + "total_pages").get()), page_size_bytes);
    area.available_pages = OpenToRead(path + "available_pages");
    areas.push_back(std::move(area));
  }
  std::sort(areas.begin(), areas.end(),
            [](const CmaSysfsArea& a, const CmaSysfsArea& b) { return a.name < b.name; });
  if (areas.size() == 1 && !areas[0].total_bytes.has_value()) {
    // meminfo has some 60 lines of 28 bytes.
    constexpr size_t kMaxBytes = 16384;
    const UniqueFd file = OpenToRead(meminfo);
    if (file.valid()) {
      areas[0].total_bytes = ParseMeminfoCmaTotal(ReadBeginning(file.get(), kMaxBytes));
    }
  }
  return areas;
}

}  // namespace dmaheap
