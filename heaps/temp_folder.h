// A folder of a test's own, gone with it.

#ifndef HEAPS_TEMP_FOLDER_H_
#define HEAPS_TEMP_FOLDER_H_

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace dmaheap {

class TempFolder {
 public:
  TempFolder() {
    char path[] = "/tmp/dmaheap-test-XXXXXX";
    if (mkdtemp(path) != nullptr) path_ = path;
  }
  ~TempFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }

  void MakeFolder(const std::string& name) {
    std::filesystem::create_directory(path_ + "/" + name);
  }
  // Returns the path.
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(path_ + "/" + name) << text;
    return path_ + "/" + name;
  }

 private:
  std::string path_;
};

}  // namespace dmaheap

#endif  // HEAPS_TEMP_FOLDER_H_
