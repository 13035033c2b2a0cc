// Each sanitizer that the build claims to have must report what it is there for, or the build lies.
//
// The claim is DMAHEAPD_SANITIZERS, which .bazelrc sets beside the compiler's flags; the proof is
// what a program with a known defect ends with. A build that claims nothing has nothing to prove.

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

struct Promise {
  std::string sanitizer;
  std::string defect;
  // In the report.
  std::string expected_text;
};

std::string Claim() {
  const char* claim = getenv("DMAHEAPD_SANITIZERS");
  return claim == nullptr ? "" : claim;
}

std::vector<Promise> Promises() {
  std::vector<Promise> promises;
  for (const Promise& promise : {
           Promise{"address", "use_after_free", "AddressSanitizer: heap-use-after-free"},
           Promise{"undefined", "signed_overflow", "runtime error: signed integer overflow"},
           Promise{"leak", "leak", "LeakSanitizer: detected memory leaks"},
           Promise{"thread", "data_race", "ThreadSanitizer: data race"},
       }) {
    if (Claim().find(promise.sanitizer) != std::string::npos) promises.push_back(promise);
  }
  return promises;
}

struct Outcome {
  int exit_code = -1;
  std::string output;
};

Outcome Commit(const std::string& defect) {
  Outcome outcome;
  FILE* pipe = popen(("tests/smoke/defects " + defect + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return outcome;
  char chunk[4096];
  while (const size_t size = fread(chunk, 1, sizeof(chunk), pipe))
    outcome.output.append(chunk, size);
  const int status = pclose(pipe);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

class Sanitizer : public testing::TestWithParam<Promise> {};

TEST_P(Sanitizer, ReportsTheDefectAndEndsTheProgram) {
  const Outcome outcome = Commit(GetParam().defect);
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_NE(outcome.output.find(GetParam().expected_text), std::string::npos) << outcome.output;
  // The report names the line, or nobody can use it.
  EXPECT_NE(outcome.output.find("tests/smoke/defects.cc:"), std::string::npos) << outcome.output;
}

INSTANTIATE_TEST_SUITE_P(Claimed, Sanitizer, testing::ValuesIn(Promises()),
                         [](const auto& info) { return info.param.sanitizer; });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Sanitizer);

TEST(SanitizerOfThisBuild, SaysNothingAboutASoundProgram) {
  const Outcome outcome = Commit("nothing");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.output, "");
}

}  // namespace
}  // namespace dmaheap
