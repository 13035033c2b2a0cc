// The keeper as it is started by people and service managers: a real process with real children.

#include "daemon/keeper/keeper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/keeper/testing/daemon_process.h"
#include "daemon/limits.h"
#include "daemon/options.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/fd_socket.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kProgram[] = "daemon/keeper/testing/scripted_daemon";

// An account without rights, and without need of an entry in /etc/passwd.
constexpr uid_t kUser = 54321;

// Whether this is root in a user namespace that has kUser too, unlike that of Bazel's sandbox.
bool IsRoot() {
  uint64_t inside = 0;
  uint64_t outside = 0;
  uint64_t count = 0;
  std::ifstream("/proc/self/uid_map") >> inside >> outside >> count;
  return geteuid() == 0 && inside == 0 && count > kUser;
}

std::vector<std::string> OpenFds() {
  std::vector<std::string> fds;
  for (int fd = 0; fd < 1024; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) fds.push_back(absl::StrCat(fd));
  }
  return fds;
}

// What is in a folder, sorted.
std::vector<std::string> Names(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  return address;
}

UniqueFd Bind(const std::string& path, int type) {
  UniqueFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  const sockaddr_un address = AddressOf(path);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0)
      << path;
  return fd;
}

UniqueFd Listen(const std::string& path, int type) {
  UniqueFd fd = Bind(path, type);
  EXPECT_EQ(listen(fd.get(), 16), 0);
  return fd;
}

// The process whose parent that one is; 0: none.
pid_t ChildOf(pid_t parent) {
  for (const std::string& name : Names("/proc")) {
    int pid = 0;
    if (absl::SimpleAtoi(name, &pid) && StatusOf(pid, "PPid") == absl::StrCat(parent)) return pid;
  }
  return 0;
}

class KeeperTest : public ::testing::Test {
 protected:
  void SetUp() override { fds_before_ = OpenFds(); }
  void TearDown() override {
    daemon_.reset();
    EXPECT_EQ(OpenFds(), fds_before_);
  }

  // Options that every start has; --user where a change of user is possible.
  StartSpec Spec(std::vector<std::string> more = {}) const {
    StartSpec spec;
    spec.arguments = {absl::StrCat("--socket-dir=", run_), "--heap-dir=/nonexistent"};
    if (geteuid() == 0) {
      spec.arguments.push_back(absl::StrCat("--user=", IsRoot() ? kUser : 0));
    }
    spec.arguments.insert(spec.arguments.end(), more.begin(), more.end());
    return spec;
  }
  DaemonProcess& Start(std::vector<std::string> more = {}) {
    return StartWith(Spec(std::move(more)));
  }
  DaemonProcess& StartWith(const StartSpec& spec) {
    daemon_ = std::make_unique<DaemonProcess>(kProgram, spec);
    return *daemon_;
  }
  void StartAndWait(std::vector<std::string> more = {}) {
    ASSERT_TRUE(Start(std::move(more)).WaitReady()) << daemon_->Log();
  }

  std::string Command(absl::string_view command) const { return Ask(run_ + "/rpc.sock", command); }
  pid_t BrokerPid() const {
    int pid = -1;
    EXPECT_TRUE(absl::SimpleAtoi(Command("pid"), &pid)) << daemon_->Log();
    return pid;
  }
  // Of the prober that was started last, if its start was not yet looked for in the log.
  pid_t NextProberPid() const {
    return NumberIn(daemon_->WaitLog("event=child_started child=prober"), "pid");
  }
  // Kills the broker, and waits until it is gone, so that the next to accept is its successor.
  void KillBroker() const {
    const pid_t pid = BrokerPid();
    ASSERT_EQ(kill(pid, SIGKILL), 0);
    ASSERT_TRUE(WaitGone(pid));
  }
  // The line of "fds" that begins with this name; empty if there is none.
  std::string FdLine(absl::string_view name) const {
    for (const absl::string_view line : absl::StrSplit(Command("fds"), '\n')) {
      if (absl::StartsWith(line, absl::StrCat(name, " "))) return std::string(line);
    }
    return "";
  }

  TempFolder folder_;
  std::string run_ = folder_.Below("run");
  std::unique_ptr<DaemonProcess> daemon_;

 private:
  std::vector<std::string> fds_before_;
};

TEST_F(KeeperTest, ServesAndSaysSoOnTheReadyFd) {
  ASSERT_TRUE(Start().WaitReady()) << daemon_->Log();

  EXPECT_GT(BrokerPid(), 0);
  EXPECT_EQ(Names(run_), (std::vector<std::string>{"admin.sock", "fd.sock", "lock", "notify.sock",
                                                   "rpc.sock", "state"}));
}

TEST_F(KeeperTest, SocketsAndFoldersHaveTheModesOfTheirUsers) {
  StartAndWait();

  const auto mode = [&](const char* name) {
    struct stat status = {};
    EXPECT_EQ(lstat(absl::StrCat(run_, name).c_str(), &status), 0) << name;
    return status.st_mode & 07777;
  };
  EXPECT_EQ(mode(""), 0755u);
  EXPECT_EQ(mode("/rpc.sock"), 0666u);
  EXPECT_EQ(mode("/fd.sock"), 0666u);
  EXPECT_EQ(mode("/admin.sock"), 0660u);
  EXPECT_EQ(mode("/notify.sock"), 0600u);
  EXPECT_EQ(mode("/state"), 0700u);
  if (!IsRoot()) return;
  struct stat state = {};
  struct stat admin = {};
  ASSERT_EQ(stat((run_ + "/state").c_str(), &state), 0);
  ASSERT_EQ(stat((run_ + "/admin.sock").c_str(), &admin), 0);
  EXPECT_EQ(state.st_uid, kUser);
  EXPECT_EQ(admin.st_uid, 0u);
  EXPECT_EQ(admin.st_gid, kUser);
}

TEST_F(KeeperTest, TheBrokerGetsItsFdsByNameNonBlockingAndCloseOnExec) {
  StartAndWait();

  for (const char* name : {"rpc", "fd", "admin", "prober"}) {
    EXPECT_THAT(FdLine(name), AllOf(HasSubstr("cloexec"), HasSubstr("nonblock"))) << name;
  }
}

TEST_F(KeeperTest, ChildrenHaveNoFdBesideThoseTheyWereGiven) {
  StartAndWait();
  const pid_t prober = NextProberPid();
  const pid_t broker = BrokerPid();
  // It has answered, so what it opened for that is closed again.
  ASSERT_THAT(Command("probe"), HasSubstr("source"));

  // Standard ones, those that were handed over, the kernel's log where there is one, the two ends
  // between the prober and the zygote of its scouts, and the connection that asks, while it asks.
  if (IsRoot()) {
    const std::string fds = absl::StrCat("/proc/", prober, "/fd");
    const std::vector<std::string> numbers = Names(fds);
    const auto logs = std::count_if(numbers.begin(), numbers.end(), [&](const std::string& number) {
      std::error_code ignored;
      return std::filesystem::read_symlink(absl::StrCat(fds, "/", number), ignored) == "/dev/kmsg";
    });
    EXPECT_LE(logs, 1);
    EXPECT_EQ(numbers.size(), 4u + 1u + static_cast<size_t>(logs));
    EXPECT_EQ(Names(absl::StrCat("/proc/", ChildOf(prober), "/fd")).size(), 3u + 1u);
    EXPECT_LE(Names(absl::StrCat("/proc/", broker, "/fd")).size(), 3u + 4u + 1u);
  }
}

TEST_F(KeeperTest, HeapNodesReachTheBrokerByName) {
  const std::string heaps = folder_.Below("heaps");
  ASSERT_EQ(mkdir(heaps.c_str(), 0755), 0);
  // The null device stands for a heap: what counts is that it is a character device.
  if (mknod((heaps + "/reserved").c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0 ||
      !UniqueFd(open((heaps + "/reserved").c_str(), O_RDWR | O_CLOEXEC)).valid()) {
    GTEST_SKIP() << "device nodes can not be made and opened here";
  }
  ASSERT_EQ(symlink("reserved", (heaps + "/link").c_str()), 0);
  std::ofstream(heaps + "/file") << "no device";

  StartAndWait({"--heap-dir=" + heaps});

  EXPECT_THAT(FdLine("heap.reserved"), HasSubstr("cloexec"));
  EXPECT_EQ(FdLine("heap.link"), "");
  EXPECT_EQ(FdLine("heap.file"), "");
}

TEST_F(KeeperTest, FileSystemsReachTheBrokerByTheirPlaceAndMissingOnesAreAWarning) {
  StartAndWait({"--sync-filesystem=/none", "--sync-filesystem=/proc",
                "--sync-filesystem=" + folder_.path()});

  EXPECT_EQ(FdLine("sync.0"), "");
  EXPECT_THAT(FdLine("sync.1"), HasSubstr("cloexec"));
  EXPECT_EQ(FdLine("sync.2"), "") << "a folder of another file system";
  EXPECT_THAT(daemon_->Log(), HasSubstr("event=filesystem_left_out filesystem=/none"));
  EXPECT_THAT(daemon_->Log(), HasSubstr("nothing is mounted on " + folder_.path()));
}

TEST_F(KeeperTest, ACardThatCanNotBeOpenedEndsTheStartWithOptionValueAndRemedy) {
  Start({"--drm-heap=display=/dev/null"});

  EXPECT_EQ(daemon_->WaitExit(), 1);
  EXPECT_THAT(daemon_->Log(), HasSubstr("--drm-heap=display=/dev/null: "));
  EXPECT_THAT(daemon_->Log(), HasSubstr("/dev/null is no DRM card"));
  EXPECT_THAT(daemon_->Log(), HasSubstr("leave the option out"));
}

TEST_F(KeeperTest, AKilledBrokerIsStartedAgainOnTheSameSockets) {
  StartAndWait();
  const pid_t first = BrokerPid();

  KillBroker();

  const pid_t second = BrokerPid();
  EXPECT_GT(second, 0);
  EXPECT_NE(second, first);
  EXPECT_THAT(daemon_->Log(),
              HasSubstr(absl::StrCat("event=child_exited child=broker pid=", first, " signal=9")));
}

TEST_F(KeeperTest, AKilledProberIsStartedAgainOnTheSameSocket) {
  StartAndWait();
  const pid_t first = NextProberPid();
  ASSERT_THAT(Command("probe"), HasSubstr("source"));

  ASSERT_EQ(kill(first, SIGKILL), 0);

  EXPECT_NE(NextProberPid(), first);
  EXPECT_THAT(Command("probe"), HasSubstr("source"));
}

TEST_F(KeeperTest, ANewBrokerGoesOnAskingTheSameProber) {
  StartAndWait();
  ASSERT_THAT(Command("probe"), HasSubstr("source"));

  KillBroker();

  EXPECT_THAT(Command("probe"), HasSubstr("source"));
  EXPECT_THAT(daemon_->Log(), Not(HasSubstr("event=child_exited child=prober")));
}

TEST_F(KeeperTest, WithoutAProberTheBrokerGetsNone) {
  StartAndWait({"--no-prober"});

  EXPECT_EQ(FdLine("prober"), "");
  EXPECT_EQ(Command("probe"), "no prober");
}

TEST_F(KeeperTest, StoredFdsComeBackToTheNextBrokerUnderTheirNames) {
  StartAndWait();
  const std::string one = Command("store buffer.memfd-1 1");
  const std::string two = Command("store watch.memfd 1");

  KillBroker();

  EXPECT_THAT(FdLine("buffer.memfd-1"), HasSubstr(absl::StrCat(" ", one, " ")));
  EXPECT_THAT(FdLine("watch.memfd"), HasSubstr(absl::StrCat(" ", two, " ")));
}

TEST_F(KeeperTest, SeveralFdsMayShareAName) {
  StartAndWait();
  const std::vector<std::string> inodes = absl::StrSplit(Command("store many 200"), ' ');
  ASSERT_EQ(inodes.size(), 200u);

  KillBroker();

  const std::string fds = Command("fds");
  for (const std::string& inode : inodes) {
    EXPECT_THAT(fds, HasSubstr(absl::StrCat("many ", inode, " ")));
  }
}

TEST_F(KeeperTest, RemovedFdsDoNotComeBack) {
  StartAndWait();
  Command("store gone 3");
  Command("store stays 1");
  ASSERT_EQ(Command("remove gone"), "ok");

  KillBroker();

  EXPECT_EQ(FdLine("gone"), "");
  EXPECT_NE(FdLine("stays"), "");
}

TEST_F(KeeperTest, TheStoreHasALimitAndSaysSo) {
  StartAndWait();
  // 20 times 253 are more than 4096.
  for (int i = 0; i < 20; ++i) Command(absl::StrCat("store pile", i, " 253"));

  EXPECT_THAT(daemon_->WaitLog("event=fds_not_kept"),
              AllOf(HasSubstr("RESOURCE_EXHAUSTED"), HasSubstr("limit")));
  EXPECT_GT(BrokerPid(), 0);
}

TEST_F(KeeperTest, WhatIsNoNotificationIsDroppedWithAReason) {
  StartAndWait();

  ASSERT_EQ(Command("notify no assignment"), "ok");

  EXPECT_THAT(daemon_->WaitLog("event=notification_dropped"), HasSubstr("without KEY="));
}

TEST_F(KeeperTest, NobodyButTheBrokerIsHeard) {
  StartAndWait();
  const std::string inode = Command("store mine 1");

  ASSERT_EQ(Command("impostor FDSTOREREMOVE=1\nFDNAME=mine"), "ok");

  EXPECT_THAT(daemon_->WaitLog("event=notification_dropped"), HasSubstr("is not the broker"));
  KillBroker();
  EXPECT_THAT(FdLine("mine"), HasSubstr(inode));
}

TEST_F(KeeperTest, ASecondInstanceIsRefusedAndNamesTheFirst) {
  StartAndWait();
  DaemonProcess second(kProgram, Spec());

  EXPECT_EQ(second.WaitExit(), 1);
  EXPECT_THAT(second.Log(), HasSubstr(absl::StrCat("another dmaheapd (pid ", daemon_->pid(), ")")));
  EXPECT_GT(BrokerPid(), 0);
}

TEST_F(KeeperTest, AfterAKeeperWasKilledItsChildrenAreGoneAndTheNextTakesOver) {
  StartAndWait();
  const pid_t broker = BrokerPid();
  const pid_t prober = NextProberPid();
  ASSERT_THAT(Command("probe"), HasSubstr("source"));
  const pid_t zygote = ChildOf(prober);
  daemon_->Signal(SIGKILL);
  ASSERT_EQ(daemon_->WaitExit(), 128 + SIGKILL);

  StartAndWait();

  EXPECT_NE(BrokerPid(), broker);
  EXPECT_TRUE(WaitGone(broker));
  EXPECT_TRUE(WaitGone(prober));
  EXPECT_GT(zygote, 0);
  EXPECT_TRUE(WaitGone(zygote));
}

TEST_F(KeeperTest, ADeadSocketIsReplaced) {
  ASSERT_EQ(mkdir(run_.c_str(), 0755), 0);
  Bind(run_ + "/rpc.sock", SOCK_STREAM).Reset();

  StartAndWait();

  EXPECT_GT(BrokerPid(), 0);
}

TEST_F(KeeperTest, ALiveSocketOfSomebodyElseIsRefused) {
  ASSERT_EQ(mkdir(run_.c_str(), 0755), 0);
  const UniqueFd other = Listen(run_ + "/fd.sock", SOCK_STREAM);

  EXPECT_EQ(Start().WaitExit(), 1);

  EXPECT_THAT(daemon_->Log(), HasSubstr("a live process serves " + run_ + "/fd.sock"));
  // The other's socket is still there, ours are not.
  EXPECT_EQ(Names(run_), std::vector<std::string>{"fd.sock"});
}

TEST_F(KeeperTest, AFileInTheWayOfASocketIsRefused) {
  ASSERT_EQ(mkdir(run_.c_str(), 0755), 0);
  std::ofstream(run_ + "/rpc.sock") << "a file";

  EXPECT_EQ(Start().WaitExit(), 1);

  EXPECT_THAT(daemon_->Log(), HasSubstr("is there and is no socket"));
}

TEST_F(KeeperTest, APathThatIsTooLongIsRefusedWithTheLimit) {
  run_ = folder_.Below(std::string(100, 'x'));

  EXPECT_EQ(Start().WaitExit(), 1);

  EXPECT_THAT(daemon_->Log(), HasSubstr("the kernel takes 1 to 107"));
  EXPECT_TRUE(Names(folder_.path()).empty());
}

TEST_F(KeeperTest, SocketsOfSystemdAreUsedAndLeftInTheirPlace) {
  const std::string rpc = folder_.Below("rpc");
  const UniqueFd rpc_socket = Listen(rpc, SOCK_STREAM);
  const UniqueFd fd_socket = Listen(folder_.Below("fd"), SOCK_SEQPACKET);
  const UniqueFd unknown = Listen(folder_.Below("unknown"), SOCK_STREAM);
  StartSpec spec = Spec();
  spec.listen_fds = {
      {"unknown", unknown.get()}, {"fd", fd_socket.get()}, {"rpc", rpc_socket.get()}};

  ASSERT_TRUE(StartWith(spec).WaitReady()) << daemon_->Log();

  EXPECT_THAT(Ask(rpc, "fds"), AllOf(HasSubstr("rpc "), HasSubstr("fd "), HasSubstr("admin "),
                                     Not(HasSubstr("unknown"))));
  EXPECT_THAT(daemon_->Log(), HasSubstr("event=unknown_fd_handed_in name=unknown"));
  EXPECT_EQ(Names(run_), (std::vector<std::string>{"admin.sock", "lock", "notify.sock", "state"}));
  daemon_->Signal(SIGTERM);
  EXPECT_EQ(daemon_->WaitExit(), 0);
  EXPECT_TRUE(std::filesystem::exists(rpc));
}

TEST_F(KeeperTest, ASocketOfSystemdOfTheWrongTypeIsRefused) {
  const UniqueFd socket = Listen(folder_.Below("fd"), SOCK_STREAM);
  StartSpec spec = Spec();
  spec.listen_fds = {{"fd", socket.get()}};

  EXPECT_EQ(StartWith(spec).WaitExit(), 1);

  EXPECT_THAT(daemon_->Log(), HasSubstr("handed in as fd, is no listening Unix socket of type "
                                        "SOCK_SEQPACKET"));
}

TEST_F(KeeperTest, ABoundSocketOfAndroidInitIsListenedOn) {
  const std::string rpc = folder_.Below("rpc");
  const UniqueFd socket = Bind(rpc, SOCK_STREAM);
  // Android's init leaves the fd open across the exec and names it in the environment.
  const UniqueFd inherited(fcntl(socket.get(), F_DUPFD, 100));
  StartSpec spec = Spec();
  spec.environment["ANDROID_SOCKET_dmaheapd_rpc"] = absl::StrCat(inherited.get());

  ASSERT_TRUE(StartWith(spec).WaitReady()) << daemon_->Log();

  EXPECT_THAT(Ask(rpc, "env ANDROID_SOCKET_dmaheapd_rpc"), "(unset)");
}

TEST_F(KeeperTest, SigtermEndsAllAndLeavesNothing) {
  StartAndWait();
  const pid_t prober = NextProberPid();
  const pid_t broker = BrokerPid();
  ASSERT_THAT(Command("probe"), HasSubstr("source"));
  const pid_t zygote = ChildOf(prober);
  Command("store buffer 2");

  daemon_->Signal(SIGTERM);

  EXPECT_EQ(daemon_->WaitExit(), 0);
  EXPECT_TRUE(Names(folder_.path()).empty());
  EXPECT_TRUE(WaitGone(broker));
  EXPECT_TRUE(WaitGone(prober));
  EXPECT_GT(zygote, 0);
  EXPECT_TRUE(WaitGone(zygote));
  EXPECT_THAT(daemon_->Log(), AllOf(HasSubstr(absl::StrCat("child=broker pid=", broker, " code=0")),
                                    HasSubstr("event=stopped code=0")));
}

TEST_F(KeeperTest, ABrokerThatDoesNotStopInTimeIsKilled) {
  StartAndWait();
  const pid_t broker = BrokerPid();
  // It can not even see the SIGTERM.
  ASSERT_EQ(kill(broker, SIGSTOP), 0);

  daemon_->Signal(SIGTERM);

  EXPECT_EQ(NumberIn(daemon_->WaitLog("event=child_killed child=broker"), "pid"), broker);
  EXPECT_EQ(daemon_->WaitExit(), 0);
  EXPECT_TRUE(Names(folder_.path()).empty());
}

TEST_F(KeeperTest, SigintEndsItToo) {
  StartAndWait();

  daemon_->Signal(SIGINT);

  EXPECT_EQ(daemon_->WaitExit(), 0);
}

TEST_F(KeeperTest, AFolderThatWasThereBeforeStays) {
  ASSERT_EQ(mkdir(run_.c_str(), 0755), 0);
  StartAndWait();

  daemon_->Signal(SIGTERM);

  EXPECT_EQ(daemon_->WaitExit(), 0);
  EXPECT_TRUE(std::filesystem::is_directory(run_));
  EXPECT_TRUE(Names(run_).empty());
}

TEST_F(KeeperTest, AStopDuringTheStartEndsItToo) {
  Start({"--policy=" + folder_.Write("policy", "hang")});
  daemon_->WaitLog("event=child_started child=broker");

  daemon_->Signal(SIGTERM);

  EXPECT_EQ(daemon_->WaitExit(), 0);
  EXPECT_FALSE(std::filesystem::exists(run_));
}

TEST_F(KeeperTest, SighupReachesTheBroker) {
  StartAndWait();

  daemon_->Signal(SIGHUP);

  // The keeper forwards in its own time; each question is a round trip of broker and test.
  std::string hups = Command("hups");
  for (int i = 0; i < 10000 && hups == "0"; ++i) hups = Command("hups");
  EXPECT_EQ(hups, "1");
}

TEST_F(KeeperTest, ASilentBrokerIsAbortedAndStartedAgain) {
  StartAndWait({"--watchdog=0.2"});
  const pid_t first = BrokerPid();
  EXPECT_EQ(Command("env WATCHDOG_USEC"), "200000");
  EXPECT_EQ(Command("env WATCHDOG_PID"), absl::StrCat(first));

  ASSERT_EQ(Command("silent"), "ok");

  EXPECT_EQ(NumberIn(daemon_->WaitLog("event=broker_stuck"), "pid"), first);
  EXPECT_EQ(NumberIn(daemon_->WaitLog("event=child_exited child=broker"), "signal"), SIGABRT);
  EXPECT_NE(BrokerPid(), first);
}

TEST_F(KeeperTest, ABrokerThatReportsIsLeftAlone) {
  // Long enough that a busy machine does not keep it from reporting.
  StartAndWait({"--watchdog=0.6"});
  const pid_t first = BrokerPid();

  // Time that passes is what this is about; the questions fill it.
  const absl::Time until = absl::Now() + absl::Seconds(2);
  while (absl::Now() < until) Command("pid");

  EXPECT_EQ(BrokerPid(), first);
}

TEST_F(KeeperTest, AWrongSetUpFailsTheStartAtOnceWithTheBrokersCode) {
  Start({"--policy=" + folder_.Write("policy", "exit 78")});

  EXPECT_EQ(daemon_->WaitExit(), kExitConfig);

  EXPECT_FALSE(std::filesystem::exists(run_));
  EXPECT_FALSE(daemon_->WaitReady());
  const std::string log = daemon_->Log();
  EXPECT_THAT(log, HasSubstr("event=start_failed child=broker code=78"));
  EXPECT_EQ(log.find("child_started child=broker"), log.rfind("child_started child=broker"));
}

TEST_F(KeeperTest, ABrokerThatNeverComesUpFailsTheStartAfterThreeTries) {
  Start({"--policy=" + folder_.Write("policy", "exit 7")});

  EXPECT_EQ(daemon_->WaitExit(), 7);

  const std::string log = daemon_->Log();
  int starts = 0;
  for (const absl::string_view line : absl::StrSplit(log, '\n')) {
    starts += absl::StrContains(line, "child_started child=broker") ? 1 : 0;
  }
  EXPECT_EQ(starts, 3);
}

TEST_F(KeeperTest, ABrokerThatLeavesWithZeroBeforeItServedIsAFailureToo) {
  Start({"--policy=" + folder_.Write("policy", "exit 0")});

  EXPECT_EQ(daemon_->WaitExit(), 1);
}

TEST_F(KeeperTest, OnceItServedABrokerIsRestartedWhateverItsCode) {
  StartAndWait();
  const pid_t first = BrokerPid();

  ASSERT_EQ(Command("exit 78"), "ok");
  ASSERT_TRUE(WaitGone(first));

  EXPECT_NE(BrokerPid(), first);
}

TEST_F(KeeperTest, AReadyFdThatIsNotOpenIsRefused) {
  StartSpec spec = Spec({"--ready-fd=999"});
  spec.pass_ready_fd = false;

  EXPECT_EQ(StartWith(spec).WaitExit(), 1);

  EXPECT_THAT(daemon_->Log(), HasSubstr("--ready-fd 999 is no open fd"));
}

TEST_F(KeeperTest, TheServiceManagerIsTold) {
  const std::string path = folder_.Below("manager");
  const UniqueFd manager = Bind(path, SOCK_DGRAM);
  ASSERT_EQ(chmod(path.c_str(), 0777), 0);
  StartSpec spec = Spec();
  spec.environment["NOTIFY_SOCKET"] = path;
  spec.environment["WATCHDOG_USEC"] = "300000";

  ASSERT_TRUE(StartWith(spec).WaitReady()) << daemon_->Log();
  daemon_->Signal(SIGTERM);
  EXPECT_EQ(daemon_->WaitExit(), 0);

  std::vector<std::string> said;
  while (true) {
    ASSERT_EQ(fcntl(manager.get(), F_SETFL, O_NONBLOCK), 0);
    const absl::StatusOr<Datagram> datagram = ReceiveDatagram(manager.get(), 4096, 0);
    if (!datagram.ok()) break;
    said.push_back(datagram->bytes);
  }
  EXPECT_THAT(said, ::testing::IsSupersetOf({"STATUS=scripted", "READY=1", "STOPPING=1"}));
}

TEST_F(KeeperTest, AStateFolderOfSomebodyElseThatIsNotEmptyIsRefused) {
  const std::string state = folder_.Below("etc");
  ASSERT_EQ(mkdir(state.c_str(), 0755), 0);
  std::ofstream(state + "/passwd") << "precious";
  if (!IsRoot()) GTEST_SKIP() << "only root has others' folders to give away";

  EXPECT_EQ(Start({"--state-dir=" + state}).WaitExit(), 1);

  EXPECT_THAT(daemon_->Log(), HasSubstr("is not empty"));
  struct stat status = {};
  ASSERT_EQ(stat(state.c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 0u);
  EXPECT_EQ(status.st_mode & 07777, 0755u);
}

TEST_F(KeeperTest, AFolderThatTheBrokersAccountCanNotReachFailsTheStartWithTheReason) {
  if (!IsRoot()) GTEST_SKIP() << "only root can change to another account";
  ASSERT_EQ(chmod(folder_.path().c_str(), 0700), 0);

  EXPECT_EQ(Start().WaitExit(), 71);

  EXPECT_THAT(daemon_->Log(), HasSubstr("can not be used by account 54321"));
}

TEST_F(KeeperTest, TheBrokerMayOpenAsManyFdsAsTheHardLimitAllows) {
  StartAndWait();
  rlimit own = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &own), 0);

  EXPECT_EQ(Command("fd-limit"),
            absl::StrCat(std::max<rlim_t>(own.rlim_cur, std::min<rlim_t>(8192, own.rlim_max))));
}

class PrivilegesTest : public KeeperTest {
 protected:
  void SetUp() override {
    KeeperTest::SetUp();
    if (!IsRoot()) GTEST_SKIP() << "needs root";
  }
};

constexpr char kNoCapability[] = "0000000000000000";
// CAP_DAC_READ_SEARCH (2) and CAP_SYS_PTRACE (19).
constexpr char kProbersCapabilities[] = "0000000000280004";
constexpr char kProbersBound[] = "0000000400280004";

TEST_F(PrivilegesTest, TheBrokerHasNone) {
  StartAndWait();
  const pid_t broker = BrokerPid();

  EXPECT_EQ(StatusOf(broker, "Uid"), "54321\t54321\t54321\t54321");
  EXPECT_EQ(StatusOf(broker, "Gid"), "54321\t54321\t54321\t54321");
  EXPECT_EQ(StatusOf(broker, "Groups"), "");
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_EQ(StatusOf(broker, set), kNoCapability) << set;
  }
  EXPECT_EQ(StatusOf(broker, "NoNewPrivs"), "1");
  EXPECT_EQ(StatusOf(broker, "Name"), "dmaheapd-broker");
}

TEST_F(PrivilegesTest, TheProberHasItsThreeAndASandbox) {
  StartAndWait();
  const pid_t prober = NextProberPid();
  // It has answered, so it is inside.
  ASSERT_THAT(Command("probe"), HasSubstr("source"));

  EXPECT_EQ(StatusOf(prober, "Uid"), "54321\t54321\t54321\t54321");
  EXPECT_EQ(StatusOf(prober, "Groups"), "");
  // Of CAP_SYSLOG (34), with which it opened the kernel's log, only what no exec can give is left.
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) {
    EXPECT_EQ(StatusOf(prober, set), kProbersCapabilities) << set;
  }
  EXPECT_EQ(StatusOf(prober, "CapBnd"), kProbersBound);
  EXPECT_EQ(StatusOf(prober, "NoNewPrivs"), "1");
  EXPECT_EQ(StatusOf(prober, "Seccomp"), "2");
  EXPECT_EQ(StatusOf(prober, "Name"), "dmaheapd-prober");

  // What forks its scouts has no more.
  const pid_t zygote = ChildOf(prober);
  for (const char* key : {"Uid", "Groups", "CapPrm", "CapEff", "NoNewPrivs", "Seccomp"}) {
    EXPECT_EQ(StatusOf(zygote, key), StatusOf(prober, key)) << key;
  }
  EXPECT_EQ(StatusOf(zygote, "Name"), "dmaheapd-zygote");
}

TEST_F(KeeperTest, AProberWhoseScoutsCanNotBeHadIsReplaced) {
  StartAndWait();
  const pid_t prober = NextProberPid();
  ASSERT_THAT(Command("probe"), HasSubstr("source"));

  ASSERT_EQ(kill(ChildOf(prober), SIGKILL), 0);

  EXPECT_TRUE(WaitGone(prober));
  EXPECT_NE(NextProberPid(), prober);
  EXPECT_THAT(Command("probe"), HasSubstr("source"));
}

TEST_F(PrivilegesTest, AllThreeRunBeforeOrdinaryProcesses) {
  StartAndWait();
  for (const pid_t pid : {daemon_->pid(), BrokerPid(), NextProberPid()}) {
    errno = 0;
    EXPECT_EQ(getpriority(PRIO_PROCESS, static_cast<id_t>(pid)), kDefaultNice);
    EXPECT_EQ(errno, 0);
  }
}

TEST_F(PrivilegesTest, ProcessesOfTheSameAccountCanNotLookIntoTheBroker) {
  StartAndWait();
  struct stat status = {};

  // A process that is not dumpable has its /proc files owned by root (proc(5)).
  ASSERT_EQ(stat(absl::StrCat("/proc/", BrokerPid(), "/mem").c_str(), &status), 0);

  EXPECT_EQ(status.st_uid, 0u);
}

TEST_F(PrivilegesTest, TheProberSeesWhatAnotherAccountHolds) {
  StartAndWait();
  const pid_t broker = BrokerPid();
  const std::string inode = Command("store buffer 1");

  // On a busy machine the time box of one scan ends early; the next goes on from there.
  std::string answer;
  for (int i = 0; i < 1000 && !absl::StrContains(answer, inode); ++i) answer = Command("probe");

  // The keeper, which is root, holds it; the broker has closed its own.
  EXPECT_THAT(answer, HasSubstr(absl::StrCat(inode, " pid ", daemon_->pid())));
  EXPECT_THAT(answer, Not(HasSubstr(absl::StrCat(inode, " pid ", broker))));
}

TEST_F(PrivilegesTest, StartedAsRootWithoutAnAccountItRefusesWithTheRemedy) {
  StartSpec spec = Spec();
  spec.arguments = {absl::StrCat("--socket-dir=", run_), "--user=no-such-account"};

  EXPECT_EQ(StartWith(spec).WaitExit(), 1);

  EXPECT_THAT(daemon_->Log(), AllOf(HasSubstr("no-such-account"), HasSubstr("useradd --system")));
}

TEST_F(PrivilegesTest, StartedWithoutPrivilegesItStaysWhatItIsAndSaysWhatThatCosts) {
  StartSpec spec = Spec();
  spec.arguments = {absl::StrCat("--socket-dir=", run_), "--heap-dir=/nonexistent"};
  spec.uid = kUser;

  ASSERT_TRUE(StartWith(spec).WaitReady()) << daemon_->Log();

  const pid_t broker = BrokerPid();
  EXPECT_EQ(StatusOf(broker, "Uid"), "54321\t54321\t54321\t54321");
  EXPECT_EQ(StatusOf(broker, "CapEff"), kNoCapability);
  EXPECT_EQ(StatusOf(broker, "NoNewPrivs"), "1");
  EXPECT_THAT(daemon_->Log(), HasSubstr("event=starting_unprivileged"));
  EXPECT_THAT(Command("probe"), HasSubstr("holders_complete 0"));
}

}  // namespace
}  // namespace dmaheap
