#include "daemon/config/policy_problems.h"

#include "absl/strings/str_cat.h"
#include "daemon/config/proto_duration.h"
#include "daemon/config/text_outline.h"

namespace dmaheap {
namespace {

// CMA_MAX_NAME of mm/cma.h, and more than any heap of an Android device has.
constexpr size_t kMaxHeapNameBytes = 64;
// Of google.protobuf.Duration.
constexpr int kNanosPerSecond = 1'000'000'000;

}  // namespace

std::string WrongHeapName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxHeapNameBytes) {
    return absl::StrCat("a name of ", name.size(), " bytes; a heap's has 1 to ", kMaxHeapNameBytes);
  }
  if (name == "." || name == "..") {
    return absl::StrCat(Quoted(name), " is a folder; name a node of /dev/dma_heap");
  }
  for (const char c : name) {
    if (c <= ' ' || c > '~' || c == '/' || c == ':' || c == '*' || c == '"' || c == '\\') {
      return absl::StrCat(Quoted(name), " has ", Quoted(absl::string_view(&c, 1)),
                          "; a heap's name has printable ASCII without space / : * \" \\");
    }
  }
  return "";
}

std::string PolicyProblems::At(absl::string_view path, int index) {
  return absl::StrCat(path, "[", index, "]");
}

void PolicyProblems::Wrong(absl::string_view path, std::string what) {
  problems_.push_back({std::string(path), std::move(what), false});
}

void PolicyProblems::Missing(absl::string_view path, std::string what) {
  problems_.push_back({std::string(path), std::move(what), true});
}

void PolicyProblems::HeapName(absl::string_view path, absl::string_view name) {
  if (name.empty()) {
    Missing(path, "is required: the name of a heap");
  } else if (std::string wrong = WrongHeapName(name); !wrong.empty()) {
    Wrong(path, std::move(wrong));
  }
}

bool PolicyProblems::Span(absl::string_view path, const google::protobuf::Duration& given,
                          absl::Duration max) {
  if (given.nanos() <= -kNanosPerSecond || given.nanos() >= kNanosPerSecond) {
    Wrong(absl::StrCat(path, ".nanos"),
          absl::StrCat(given.nanos(), " is out of range; from 0 to ", kNanosPerSecond - 1));
    return false;
  }
  const absl::Duration span = ToDuration(given);
  // Mixed signs are no valid Duration, even where their sum is positive.
  if (span > absl::ZeroDuration() && given.seconds() >= 0 && given.nanos() >= 0 && span <= max) {
    return true;
  }
  Wrong(path, absl::StrCat(absl::FormatDuration(span), " is out of range; above 0, at most ",
                           absl::FormatDuration(max)));
  return false;
}

void PolicyProblems::Number(absl::string_view path, bool present, double number, double least,
                            double most) {
  if (!present || (number >= least && number <= most)) return;
  Wrong(path, absl::StrCat(number, " is out of range; from ", least, " to ", most));
}

}  // namespace dmaheap
