#include "daemon/diagnosis/sources.h"

#include <cerrno>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using Source = v1::EvidenceSource;
using testing::HasSubstr;

SourceErrors All() {
  SourceErrors errors;
  for (const Source& source : DescribeSources({})) errors[source.kind()] = 0;
  return errors;
}

Source Find(const SourceErrors& errors, Source::Kind kind) {
  for (const Source& source : DescribeSources(errors)) {
    if (source.kind() == kind) return source;
  }
  ADD_FAILURE() << kind;
  return Source();
}

TEST(SourcesTest, EachKindIsDescribedOnceTheLeastFirst) {
  const std::vector<Source> sources = DescribeSources(All());

  ASSERT_EQ(static_cast<int>(sources.size()), Source::Kind_ARRAYSIZE - 1);
  std::set<Source::Kind> kinds;
  for (size_t i = 0; i < sources.size(); ++i) {
    EXPECT_TRUE(kinds.insert(sources[i].kind()).second);
    EXPECT_GE(sources[i].level(), sources[i > 0 ? i - 1 : 0].level());
    EXPECT_EQ(sources[i].errno_name(), "");
    EXPECT_EQ(sources[i].remedy(), "");
  }
}

TEST(SourcesTest, WhatIsMissingSaysWhyAndWhatWouldHelp) {
  SourceErrors errors = All();
  errors[Source::PAGE_MAPS] = EPERM;
  errors[Source::FREE_LIST] = ENOENT;
  errors[Source::TRACE] = EIO;
  errors[Source::KERNEL_LOG] = EPERM;
  errors.erase(Source::REFERENCES);

  EXPECT_EQ(Find(errors, Source::PAGE_MAPS).errno_name(), "EPERM");
  EXPECT_THAT(Find(errors, Source::PAGE_MAPS).remedy(), HasSubstr("CAP_SYS_ADMIN"));
  EXPECT_EQ(Find(errors, Source::FREE_LIST).errno_name(), "ENOENT");
  EXPECT_THAT(Find(errors, Source::FREE_LIST).remedy(), HasSubstr("CONFIG_CMA_DEBUGFS"));
  EXPECT_THAT(Find(errors, Source::TRACE).remedy(), HasSubstr("log"));
  EXPECT_EQ(Find(errors, Source::KERNEL_LOG).remedy(),
            "the daemon needs CAP_SYSLOG, or kernel.dmesg_restrict=0, at its start");
  EXPECT_EQ(Find(errors, Source::REFERENCES).errno_name(), "ENOTCONN");
  EXPECT_THAT(Find(errors, Source::REFERENCES).remedy(), HasSubstr("prober"));
}

TEST(SourcesTest, EachThatIsMissingLowersTheLevelToWhatIsLeft) {
  SourceErrors errors = All();
  EXPECT_EQ(BestLevel(errors), v1::Diagnosis::L4);
  errors[Source::REFERENCES] = ENOTSUP;
  EXPECT_EQ(BestLevel(errors), v1::Diagnosis::L3);
  errors[Source::PAGE_FLAGS] = EACCES;
  EXPECT_EQ(BestLevel(errors), v1::Diagnosis::L3) << "who maps it is known";
  errors[Source::PAGE_MAPS] = EPERM;
  EXPECT_EQ(BestLevel(errors), v1::Diagnosis::L2);
  errors[Source::TRACE] = ENOTSUP;
  EXPECT_EQ(BestLevel(errors), v1::Diagnosis::L1);
  errors[Source::FREE_LIST] = ENOENT;
  EXPECT_EQ(BestLevel(errors), v1::Diagnosis::L1) << "the heap's numbers are known";
  errors[Source::HEAP_NUMBERS] = ENOENT;
  EXPECT_EQ(BestLevel(errors), v1::Diagnosis::L1) << "the kernel's log is there";
  errors[Source::KERNEL_LOG] = EPERM;
  EXPECT_EQ(BestLevel(errors), v1::Diagnosis::L0);
  EXPECT_EQ(BestLevel({}), v1::Diagnosis::L0);
}

TEST(SourcesTest, WithoutTheKernelsWordWhichPageItWasThePagesAreOfNoUse) {
  SourceErrors errors = All();
  errors[Source::TRACE] = ENOTSUP;

  EXPECT_EQ(BestLevel(errors), v1::Diagnosis::L1);
}

}  // namespace
}  // namespace dmaheap
