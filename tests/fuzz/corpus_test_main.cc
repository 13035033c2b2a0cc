// Runs a fuzzer's function over kept inputs, one test case each: the files named on the command
// line.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

class KeptInput : public testing::Test {
 public:
  explicit KeptInput(std::string path) : path_(std::move(path)) {}

  // Where it does not hold, the process ends, as under libFuzzer.
  void TestBody() override {
    std::ifstream file(path_, std::ios::binary);
    ASSERT_TRUE(file.is_open()) << path_;
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    // On the heap and of its size, so that a read behind the end is seen.
    const auto bytes = std::make_unique<uint8_t[]>(text.size());
    std::copy(text.begin(), text.end(), bytes.get());
    EXPECT_EQ(LLVMFuzzerTestOneInput(bytes.get(), text.size()), 0);
  }

 private:
  const std::string path_;
};

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    const std::string path = argv[i];
    testing::RegisterTest("Corpus", NameOf(path).c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [path]() -> testing::Test* { return new KeptInput(path); });
  }
  return RUN_ALL_TESTS();
}
