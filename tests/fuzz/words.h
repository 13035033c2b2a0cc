// A command line out of an input: words that end with a NUL byte.

#ifndef TESTS_FUZZ_WORDS_H_
#define TESTS_FUZZ_WORDS_H_

#include <string>
#include <vector>

#include "tests/fuzz/input.h"

namespace dmaheap::fuzz {

class Words {
 public:
  Words(absl::string_view program, Input input) {
    words_.emplace_back(program);
    while (!input.empty()) words_.emplace_back(input.TakeText());
    for (const std::string& word : words_) pointers_.push_back(word.c_str());
    pointers_.push_back(nullptr);
  }

  int count() const { return static_cast<int>(words_.size()); }
  const char* const* pointers() const { return pointers_.data(); }

 private:
  std::vector<std::string> words_;
  std::vector<const char*> pointers_;
};

}  // namespace dmaheap::fuzz

#endif  // TESTS_FUZZ_WORDS_H_
