#include "daemon/keeper/trace_instance.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

// Files in the place of tracefs: what is written where. On a kernel's own see tests/vm/suite.
class TraceInstanceTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    char path[] = "/tmp/dmaheap-trace-XXXXXX";
    ASSERT_NE(mkdtemp(path), nullptr);
    root_ = path;
    std::filesystem::create_directories(root_ + "/instances");
  }
  void TearDown() override {
    std::filesystem::remove_all(root_);
    FdLeakCheck::TearDown();
  }

  // The kernel fills a new instance by itself.
  void Fill(bool page_ref) {
    for (const char* file : {"buffer_percent", "buffer_size_kb", "trace_pipe",
                             "events/page_isolation/test_pages_isolated/enable",
                             "events/page_isolation/test_pages_isolated/filter"}) {
      Make(file);
    }
    if (!page_ref) return;
    Make("events/page_ref/page_ref_mod_and_test/enable");
    Make("events/page_ref/page_ref_mod_and_test/filter");
  }
  void Make(const std::string& file) {
    const std::filesystem::path path = Path(file);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << "";
  }
  std::string Path(const std::string& file) const {
    return absl::StrCat(root_, "/instances/dmaheapd/", file);
  }
  std::string Read(const std::string& file) const {
    std::stringstream text;
    text << std::ifstream(Path(file)).rdbuf();
    return text.str();
  }

  std::string root_;
};

TEST_F(TraceInstanceTest, TracesRefusalsFromTheStartAndReleasesNot) {
  Fill(/*page_ref=*/true);

  const auto trace = TraceInstance::Open(root_);

  ASSERT_TRUE(trace.ok()) << trace.status();
  EXPECT_EQ(Read("events/page_isolation/test_pages_isolated/enable"), "1");
  EXPECT_EQ(Read("events/page_ref/page_ref_mod_and_test/enable"), "0");
  EXPECT_EQ(Read("buffer_percent"), "0");
  EXPECT_EQ(Read("events/page_isolation/test_pages_isolated/filter"), "comm ~ \"heap-*\"");
  EXPECT_EQ(Read("buffer_size_kb"), "16");
  EXPECT_GE((*trace)->pipe(), 0);
  EXPECT_GE((*trace)->filter(), 0);
  EXPECT_GE((*trace)->enable(), 0);
}

TEST_F(TraceInstanceTest, WithoutPageRefEventsTellsOfRefusalsOnly) {
  Fill(/*page_ref=*/false);

  const auto trace = TraceInstance::Open(root_);

  ASSERT_TRUE(trace.ok()) << trace.status();
  EXPECT_GE((*trace)->pipe(), 0);
  EXPECT_EQ((*trace)->filter(), -1);
  EXPECT_EQ((*trace)->enable(), -1);
}

TEST_F(TraceInstanceTest, SaysWhatIsMissing) {
  const auto no_event = TraceInstance::Open(root_);
  EXPECT_EQ(GetErrno(no_event.status()), ENOENT);
  EXPECT_FALSE(std::filesystem::exists(Path(""))) << "an instance of no use was left";

  const auto no_tracefs = TraceInstance::Open(root_ + "/nothing");
  EXPECT_EQ(GetErrno(no_tracefs.status()), ENOENT);
  EXPECT_NE(no_tracefs.status().message().find("nothing/instances/dmaheapd"), std::string::npos);
}

}  // namespace
}  // namespace dmaheap
