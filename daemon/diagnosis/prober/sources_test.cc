#include "daemon/diagnosis/prober/sources.h"

#include <unistd.h>

#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "daemon/diagnosis/prober/kernel_log.h"
#include "daemon/diagnosis/prober/pagemap.h"
#include "daemon/diagnosis/prober/testing/fake_tree.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

std::string Bytes(const std::vector<uint64_t>& numbers) {
  return std::string(reinterpret_cast<const char*>(numbers.data()), numbers.size() * 8);
}

class SourcesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    tree_.File("debugfs/cma/reserved/count", "64\n");
    tree_.File("proc/kpageflags", Bytes({0}));
    tree_.File("proc/kpagecount", Bytes({0}));
    tree_.File("sys/kernel/mm/page_idle/bitmap", Bytes({0}));
    tree_.Process(1);
    MapPage(kPagemapPresent | 77);
  }
  // The first process has one page.
  void MapPage(uint64_t entry) {
    tree_.File("proc/1/maps",
               absl::StrFormat("0-%x rw-p 00000000 00:00 0 \n", sysconf(_SC_PAGESIZE)));
    tree_.File("proc/1/pagemap", Bytes({entry}));
  }
  std::map<EvidenceSource, int> Find(const PageTracer& pages) {
    KernelLog log([](char*, size_t) -> ssize_t { return -EAGAIN; });
    return Find(pages, log, tree_);
  }
  static std::map<EvidenceSource, int> Find(const PageTracer& pages, KernelLog& log,
                                            const FakeTree& tree) {
    std::map<EvidenceSource, int> errors;
    for (const SourceRecord& record :
         FindSources(tree.roots(), pages, log, TimeBox(absl::InfiniteDuration())).sources) {
      EXPECT_TRUE(errors.emplace(record.source, record.error_number).second);
    }
    EXPECT_EQ(errors.size(), 7u);
    return errors;
  }

  FakeTree tree_;
  const PageTracer traced_{PageTracer::Files{.pipe = 90, .filter = 91, .enable = 92}};
};

TEST_F(SourcesTest, WhereEverythingIsThereEachTells) {
  for (const auto& [source, error] : Find(traced_)) {
    EXPECT_EQ(error, 0) << static_cast<uint32_t>(source);
  }
}

TEST_F(SourcesTest, WhereNothingIsThereEachSaysWhy) {
  const FakeTree empty;

  KernelLog log(empty.roots().kernel_log);
  std::map<EvidenceSource, int> errors = Find(PageTracer(), log, empty);

  EXPECT_EQ(errors[EvidenceSource::kTrace], ENOTSUP) << "the keeper has none";
  errors.erase(EvidenceSource::kTrace);
  for (const auto& [source, error] : errors) {
    EXPECT_EQ(error, ENOENT) << static_cast<uint32_t>(source);
  }
}

TEST_F(SourcesTest, WithoutTheEventsOfReferencesThereIsATraceAllTheSame) {
  auto errors = Find(PageTracer({.pipe = 90}));

  EXPECT_EQ(errors[EvidenceSource::kTrace], 0);
  EXPECT_EQ(errors[EvidenceSource::kReferences], ENOTSUP);
}

TEST_F(SourcesTest, FramesWithoutNumbersAreAMissingCapability) {
  MapPage(kPagemapPresent);

  EXPECT_EQ(Find(traced_)[EvidenceSource::kPageMaps], EPERM);
}

TEST_F(SourcesTest, AProcessWithoutAPageTellsNothing) {
  MapPage(0);

  EXPECT_EQ(Find(traced_)[EvidenceSource::kPageMaps], ENODATA);
}

TEST_F(SourcesTest, ALogThatMayNotBeReadIsAMissingCapability) {
  KernelLog log([](char*, size_t) -> ssize_t { return -EPERM; });

  EXPECT_EQ(Find(traced_, log, tree_)[EvidenceSource::kKernelLog], EPERM);
}

TEST_F(SourcesTest, OneTableOfTwoIsNotEnough) {
  tree_.File("proc/kpagecount", "");

  EXPECT_EQ(Find(traced_)[EvidenceSource::kPageFlags], ENODATA);
}

}  // namespace
}  // namespace dmaheap
