#include "daemon/options.h"

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using ::testing::HasSubstr;

CommandLine Parse(std::vector<const char*> words) {
  words.insert(words.begin(), "dmaheapd");
  return ParseCommandLine(static_cast<int>(words.size()), words.data());
}

TEST(OptionsTest, WithoutWordsEveryDefaultHolds) {
  const CommandLine line = Parse({});

  ASSERT_TRUE(line.options.has_value()) << line.text;
  EXPECT_EQ(line.options->role, Role::kKeeper);
  EXPECT_EQ(line.options->socket_dir, "/run/dmaheapd");
  EXPECT_EQ(line.options->state_dir, "/run/dmaheapd/state");
  EXPECT_EQ(line.options->heap_dir, "/dev/dma_heap");
  EXPECT_EQ(line.options->policy_file, "");
  EXPECT_FALSE(line.options->simulate.has_value());
  EXPECT_TRUE(line.options->drm_heaps.empty());
  EXPECT_EQ(line.options->user, "");
  EXPECT_EQ(line.options->log_level, "info");
  EXPECT_EQ(line.options->ready_fd, -1);
  EXPECT_TRUE(line.options->lock_memory);
  EXPECT_EQ(line.options->nice, -8);
  EXPECT_EQ(line.options->watchdog, absl::Seconds(10));
  EXPECT_TRUE(line.options->prober);
}

TEST(OptionsTest, EveryOptionIsTaken) {
  const CommandLine line = Parse({"--socket-dir=/s", "--state-dir", "/t", "--heap-dir=/h",
                                  "--policy=/p", "--user=1000", "--log-level=debug", "--ready-fd=7",
                                  "--no-lock-memory", "--watchdog=0.5", "--no-prober", "--nice=3"});

  ASSERT_TRUE(line.options.has_value()) << line.text;
  EXPECT_EQ(line.options->socket_dir, "/s");
  EXPECT_EQ(line.options->state_dir, "/t");
  EXPECT_EQ(line.options->heap_dir, "/h");
  EXPECT_EQ(line.options->policy_file, "/p");
  EXPECT_EQ(line.options->user, "1000");
  EXPECT_EQ(line.options->log_level, "debug");
  EXPECT_EQ(line.options->ready_fd, 7);
  EXPECT_FALSE(line.options->lock_memory);
  EXPECT_EQ(line.options->nice, 3);
  EXPECT_EQ(line.options->watchdog, absl::Milliseconds(500));
  EXPECT_FALSE(line.options->prober);
}

TEST(OptionsTest, TheStateFolderFollowsTheSocketFolder) {
  const CommandLine line = Parse({"--socket-dir", "/tmp/x"});

  ASSERT_TRUE(line.options.has_value()) << line.text;
  EXPECT_EQ(line.options->state_dir, "/tmp/x/state");
}

TEST(OptionsTest, SimulateNeedsNoValue) {
  const CommandLine line = Parse({"--simulate", "--no-prober"});

  ASSERT_TRUE(line.options.has_value()) << line.text;
  ASSERT_TRUE(line.options->simulate.has_value());
  EXPECT_EQ(line.options->simulate->size_bytes, 256 << 20);
  EXPECT_EQ(line.options->simulate->name, "simulated");
  EXPECT_FALSE(line.options->prober);
}

TEST(OptionsTest, SimulateTakesASizeAndANameWithACommaInIt) {
  const CommandLine line = Parse({"--simulate=64MiB,linux,cma"});

  ASSERT_TRUE(line.options.has_value()) << line.text;
  ASSERT_TRUE(line.options->simulate.has_value());
  EXPECT_EQ(line.options->simulate->size_bytes, 64 << 20);
  EXPECT_EQ(line.options->simulate->name, "linux,cma");
}

TEST(OptionsTest, SimulateTakesAloneASizeOrAName) {
  EXPECT_EQ(Parse({"--simulate=8K"}).options->simulate->size_bytes, 8192);
  EXPECT_EQ(Parse({"--simulate=,cam"}).options->simulate->name, "cam");
  EXPECT_EQ(Parse({"--simulate=,cam"}).options->simulate->size_bytes, 256 << 20);
}

TEST(OptionsTest, AWrongSimulateIsRefusedWithTheReason) {
  const CommandLine line = Parse({"--simulate=64MB"});

  EXPECT_FALSE(line.options.has_value());
  EXPECT_EQ(line.exit_code, kExitUsage);
  EXPECT_THAT(line.text, HasSubstr("\"64MB\" ends in \"MB\""));
  EXPECT_THAT(line.text, HasSubstr("--simulate"));
}

TEST(OptionsTest, TheNameOfASimulatedHeapIsChecked) {
  EXPECT_FALSE(ParseSimulate("4K,").ok());
  EXPECT_FALSE(ParseSimulate("4K,a/b").ok());
  EXPECT_FALSE(ParseSimulate("4K,a:b").ok());
  EXPECT_FALSE(ParseSimulate("4K," + std::string(64, 'a')).ok());
  EXPECT_TRUE(ParseSimulate("4K," + std::string(63, 'a')).ok());
}

TEST(OptionsTest, EveryDrmHeapIsTakenAndNoOtherWord) {
  const CommandLine line = Parse(
      {"--drm-heap=display=/dev/dri/card0", "--drm-heap", "linux,cma=/by=path", "--no-prober"});

  ASSERT_TRUE(line.options.has_value()) << line.text;
  ASSERT_EQ(line.options->drm_heaps.size(), 2u);
  EXPECT_EQ(line.options->drm_heaps[0].name, "display");
  EXPECT_EQ(line.options->drm_heaps[0].path, "/dev/dri/card0");
  EXPECT_EQ(line.options->drm_heaps[1].name, "linux,cma");
  EXPECT_EQ(line.options->drm_heaps[1].path, "/by=path");
  EXPECT_FALSE(line.options->prober);
  EXPECT_FALSE(Parse({"--drm-heap", "a=/x", "b=/y"}).options.has_value());
}

TEST(OptionsTest, TwoDrmHeapsOfOneNameAreRefused) {
  const CommandLine line = Parse({"--drm-heap=display=/a", "--drm-heap=display=/b"});

  EXPECT_FALSE(line.options.has_value());
  EXPECT_EQ(line.exit_code, kExitUsage);
  EXPECT_THAT(line.text, HasSubstr("--drm-heap: \"display\" is the NAME of two heaps"));
}

class WrongDrmHeapTest : public ::testing::TestWithParam<const char*> {};

TEST_P(WrongDrmHeapTest, IsRefusedWithOptionValueAndRemedy) {
  const std::string word = std::string("--drm-heap=") + GetParam();
  const CommandLine line = Parse({word.c_str()});

  EXPECT_FALSE(line.options.has_value());
  EXPECT_EQ(line.exit_code, kExitUsage);
  EXPECT_THAT(line.text, HasSubstr("--drm-heap: \"" + std::string(GetParam()) + "\""));
  EXPECT_THAT(line.text, HasSubstr("display=/dev/dri/card0"));
}

INSTANTIATE_TEST_SUITE_P(All, WrongDrmHeapTest,
                         ::testing::Values("display", "/dev/dri/card0",
                                           "display=", "display=card0"));

TEST(OptionsTest, TheNameOfADrmHeapIsChecked) {
  EXPECT_FALSE(ParseDrmHeap("=/dev/dri/card0").ok());
  EXPECT_FALSE(ParseDrmHeap("a b=/dev/dri/card0").ok());
  EXPECT_FALSE(ParseDrmHeap("a:b=/dev/dri/card0").ok());
}

TEST(OptionsTest, TheRoleIsTakenAndTheReadyFdStaysTheKeepers) {
  const CommandLine broker = Parse({"--ready-fd=7", "--role=broker"});
  const CommandLine prober = Parse({"--ready-fd=7", "--role=prober"});

  ASSERT_TRUE(broker.options.has_value());
  ASSERT_TRUE(prober.options.has_value());
  EXPECT_EQ(broker.options->role, Role::kBroker);
  EXPECT_EQ(broker.options->ready_fd, -1);
  EXPECT_EQ(prober.options->role, Role::kProber);
}

TEST(OptionsTest, TheLastOfTwoEqualOptionsCounts) {
  EXPECT_EQ(Parse({"--user=a", "--user=b"}).options->user, "b");
}

TEST(OptionsTest, BarrierCgroupsAddUpInTheirOrder) {
  EXPECT_TRUE(Parse({}).options->barrier_cgroups.empty());
  const CommandLine line = Parse({"--barrier-cgroup=/sys/fs/cgroup/apps", "--no-prober",
                                  "--barrier-cgroup", "/sys/fs/cgroup/video"});

  ASSERT_TRUE(line.options.has_value()) << line.text;
  EXPECT_EQ(line.options->barrier_cgroups,
            (std::vector<std::string>{"/sys/fs/cgroup/apps", "/sys/fs/cgroup/video"}));
}

TEST(OptionsTest, ThawIsARoleOfItsOwn) {
  EXPECT_EQ(Parse({"--thaw", "--socket-dir=/s"}).options->role, Role::kThaw);
}

TEST(OptionsTest, HelpNamesEveryOptionWithItsDefaultAndExitsWithZero) {
  const CommandLine line = Parse({"--help"});

  EXPECT_FALSE(line.options.has_value());
  EXPECT_EQ(line.exit_code, 0);
  for (const char* part : {"--socket-dir", "/run/dmaheapd",
                           "--state-dir",  "<socket-dir>/state",
                           "--heap-dir",   "/dev/dma_heap",
                           "--policy",     "--simulate",
                           "256MiB",       "--user",
                           "--drm-heap",   "NAME=/dev/dri/cardN",
                           "--log-level",  "info",
                           "--ready-fd",   "--watchdog SECONDS=10",
                           "--no-prober",  "--no-lock-memory",
                           "--nice N=-8",  "--barrier-cgroup PATH",
                           "--thaw",       "Files and heaps",
                           "Processes",    "Reporting",
                           "--version"}) {
    EXPECT_THAT(line.text, HasSubstr(part));
  }
  EXPECT_THAT(line.text, ::testing::Not(HasSubstr("--role")));
  for (const absl::string_view text : absl::StrSplit(line.text, '\n')) EXPECT_LE(text.size(), 80u);
}

TEST(OptionsTest, VersionSaysTheVersionOfDaemonAndWire) {
  const CommandLine line = Parse({"--version"});

  EXPECT_EQ(line.exit_code, 0);
  EXPECT_EQ(line.text, "dmaheapd 0.1.0 (wire versions 1 to 2)\n");
}

TEST(CheckBarrierCgroupsTest, TakesPlainPathsSideBySide) {
  EXPECT_TRUE(CheckBarrierCgroups({}).ok());
  EXPECT_TRUE(CheckBarrierCgroups({"/a/b", "/a/c", "/a/bc", "/d d"}).ok());
  EXPECT_TRUE(CheckBarrierCgroups({"/a..b", "/.c"}).ok());
}

TEST(CheckBarrierCgroupsTest, RefusesPathsThatMayMeanSomethingElse) {
  for (const char* path :
       {"", "a", "a/b", "/", "/a/", "//a", "/a//b", "/a/../b", "/a/.", "/a\nb"}) {
    EXPECT_FALSE(CheckBarrierCgroups({path}).ok()) << path;
  }
}

TEST(CheckBarrierCgroupsTest, RefusesOneInsideAnother) {
  EXPECT_FALSE(CheckBarrierCgroups({"/a", "/a"}).ok());
  EXPECT_FALSE(CheckBarrierCgroups({"/a", "/a/b/c"}).ok());
  EXPECT_FALSE(CheckBarrierCgroups({"/a/b", "/c", "/a"}).ok());
}

TEST(CheckBarrierCgroupsTest, HasALimit) {
  std::vector<std::string> paths;
  for (int i = 0; i < 16; ++i) paths.push_back("/a" + std::to_string(i));
  EXPECT_TRUE(CheckBarrierCgroups(paths).ok());
  paths.push_back("/b");
  EXPECT_FALSE(CheckBarrierCgroups(paths).ok());
}

TEST(CheckSyncFilesystemsTest, TakesPlainPathsOnceEach) {
  EXPECT_TRUE(CheckSyncFilesystems({}).ok());
  EXPECT_TRUE(CheckSyncFilesystems({"/", "/data", "/data/media"}).ok());
}

TEST(CheckSyncFilesystemsTest, SaysWhatIsWrongWithOthers) {
  for (const char* path : {"", "data", "/data/", "//", "/a/../b", "/a\nb"}) {
    EXPECT_FALSE(CheckSyncFilesystems({path}).ok()) << path;
  }
  EXPECT_EQ(CheckSyncFilesystems({"/data", "/cache", "/data"}).message(),
            "--sync-filesystem: /data is named twice; once is enough");
  std::vector<std::string> paths;
  for (int i = 0; i < 17; ++i) paths.push_back("/a" + std::to_string(i));
  EXPECT_EQ(CheckSyncFilesystems(paths).message(),
            "--sync-filesystem: given 17 times, the limit is 16");
}

class WrongWordsTest : public ::testing::TestWithParam<const char*> {};

TEST_P(WrongWordsTest, IsAUsageErrorThatPointsToTheHelp) {
  const CommandLine line = Parse({GetParam()});

  EXPECT_FALSE(line.options.has_value());
  EXPECT_EQ(line.exit_code, kExitUsage);
  EXPECT_THAT(line.text, HasSubstr("dmaheapd: "));
  EXPECT_THAT(line.text, HasSubstr("--help"));
}

INSTANTIATE_TEST_SUITE_P(All, WrongWordsTest,
                         ::testing::Values("--no-such-option", "word", "--log-level=loud",
                                           "--ready-fd=-1", "--ready-fd=x", "--role=king",
                                           "--watchdog=-1", "--watchdog=0.01", "--watchdog=nan",
                                           "--socket-dir=", "--user=", "--barrier-cgroup=apps",
                                           "--sync-filesystem=data"));

TEST(ParseSizeTest, UnitsArePowersOf1024) {
  EXPECT_EQ(ParseSize("4096").value(), 4096);
  EXPECT_EQ(ParseSize("4K").value(), 4096);
  EXPECT_EQ(ParseSize("4KiB").value(), 4096);
  EXPECT_EQ(ParseSize("3M").value(), 3 << 20);
  EXPECT_EQ(ParseSize("3MiB").value(), 3 << 20);
  EXPECT_EQ(ParseSize("2G").value(), int64_t{2} << 30);
  EXPECT_EQ(ParseSize("2GiB").value(), int64_t{2} << 30);
}

class WrongSizeTest : public ::testing::TestWithParam<const char*> {};

TEST_P(WrongSizeTest, IsRefusedByName) {
  const absl::StatusOr<int64_t> size = ParseSize(GetParam());

  ASSERT_FALSE(size.ok());
  EXPECT_THAT(std::string(size.status().message()),
              HasSubstr("\"" + std::string(GetParam()) + "\""));
}

INSTANTIATE_TEST_SUITE_P(All, WrongSizeTest,
                         ::testing::Values("", "0", "-4096", "4097", "K", "4k", "4KB", "1.5M",
                                           " 4K", "9223372036854775807", "9223372036854775808",
                                           "8589934592G", "0x1000"));

}  // namespace
}  // namespace dmaheap
