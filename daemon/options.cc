#include "daemon/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daemon/limits.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

// Heaps hand out whole pages; 4 KiB is the smallest page of every Linux machine.
constexpr int64_t kPageBytes = 4096;

// The name of a heap travels as "heap.<name>" in LISTEN_FDNAMES and as "heaps/<name>" in the API;
// 63 characters are twice the longest name that a kernel gives (CMA_MAX_NAME is 64 with its end).
constexpr size_t kMaxHeapNameBytes = 63;

absl::Status CheckHeapName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxHeapNameBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the NAME of a heap has 1 to ", kMaxHeapNameBytes, " characters, not ", name.size()));
  }
  for (const char c : name) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("-_.,@", c)) {
      continue;
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "the NAME of a heap is made of letters, digits and -_.,@, unlike \"", name, "\""));
  }
  return absl::OkStatus();
}

// CLI11 takes an empty string for a value that is right, else the text of the complaint.
std::string Complaint(const absl::Status& status) {
  return status.ok() ? std::string() : std::string(status.message());
}

// The name that two of them have; empty if there is none.
std::string NameOfTwo(const std::vector<DrmHeapOption>& heaps) {
  for (size_t i = 0; i < heaps.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (heaps[i].name == heaps[j].name) return heaps[i].name;
    }
  }
  return {};
}

std::string CheckNotEmpty(const std::string& text) {
  return text.empty() ? "must not be empty" : std::string();
}

void AddFileOptions(CLI::App& app, Options& options) {
  const std::string group = "Files and heaps";
  app.add_option("--socket-dir", options.socket_dir,
                 "Folder of rpc.sock, fd.sock, admin.sock and\nthe lock; made if it is missing")
      ->type_name("DIR")
      ->check(CLI::Validator(CheckNotEmpty, ""))
      ->capture_default_str()
      ->group(group);
  app.add_option("--state-dir", options.state_dir, "Folder of the broker's journal")
      ->type_name("DIR")
      ->check(CLI::Validator(CheckNotEmpty, ""))
      ->default_str("<socket-dir>/state")
      ->group(group);
  app.add_option("--heap-dir", options.heap_dir, "Folder of the kernel's heap nodes")
      ->type_name("DIR")
      ->check(CLI::Validator(CheckNotEmpty, ""))
      ->capture_default_str()
      ->group(group);
  app.add_option("--policy", options.policy_file,
                 "Policy file (textproto, dmaheap.config.v1);\nSIGHUP reads it again")
      ->type_name("FILE")
      ->check(CLI::Validator(CheckNotEmpty, ""))
      ->default_str("built in")
      ->group(group);
}

void AddProcessOptions(CLI::App& app, Options& options, double& watchdog_seconds) {
  const std::string group = "Processes";
  app.add_option(
         "--user", options.user,
         "Account of the broker and the prober.\nDefault: dmaheapd, which must exist if root\n"
         "starts the daemon; others stay what they are")
      ->type_name("NAME|UID")
      ->check(CLI::Validator(CheckNotEmpty, ""))
      ->group(group);
  app.add_option("--watchdog", watchdog_seconds,
                 "A broker silent for so long is restarted;\n0 turns this off")
      ->type_name("SECONDS")
      // The broker reports at half of it; below 50 ms a busy machine would look like a stuck one.
      ->check(CLI::Validator(
          [](const std::string& text) -> std::string {
            double value = 0;
            if (!absl::SimpleAtod(text, &value) ||
                !(value == 0 || (value >= 0.05 && value <= 3600))) {
              return absl::StrCat("must be 0 or 0.05 to 3600 seconds, not \"", text, "\"");
            }
            return {};
          },
          ""))
      ->capture_default_str()
      ->group(group);
  app.add_option("--nice", options.nice,
                 "Niceness of the daemon, -20 (before others)\nto 19; clients wait behind whatever "
                 "goes\nbefore it")
      ->type_name("N")
      ->check(CLI::Range(-20, 19).description(""))
      ->capture_default_str()
      ->group(group);
  app.add_flag_callback(
         "--no-lock-memory", [&options] { options.lock_memory = false; },
         "Let the keeper's memory be paged out")
      ->group(group);
  app.add_flag_callback(
         "--no-prober", [&options] { options.prober = false; },
         "Run without the prober: failures are\nexplained less")
      ->group(group);
}

void AddBarrierOptions(CLI::App& app, Options& options) {
  const std::string group = "Barriers";
  app.add_option("--barrier-cgroup", options.barrier_cgroups,
                 "A cgroup (v2) whose processes may stand still\nfor up to 50 ms, 5 % of any "
                 "second, while an\nallocation is tried again; may be given again")
      ->type_name("PATH")
      ->type_size(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(group);
  app.add_flag_callback(
         "--thaw", [&options] { options.role = Role::kThaw; },
         "Thaw what a daemon that was killed left\nfrozen, and exit: for the stop step of a\n"
         "service manager")
      ->group(group);
}

void AddSyncOptions(CLI::App& app, Options& options) {
  app.add_option(
         "--sync-filesystem", options.sync_filesystems,
         "Mount point of a file system that retry policies\nmay have written (syncfs), once "
         "a second, while an\nallocation waits for one of its pages; it can not\nbe "
         "unmounted meanwhile. May be given again")
      ->type_name("PATH")
      ->type_size(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group("Syncs");
}

// "/a/b": no empty, "." or ".." part, no newline.
bool IsPlainPath(const std::string& path) {
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  bool plain = parts.size() > 1 && parts[0].empty();
  for (size_t i = 1; i < parts.size(); ++i) {
    plain = plain && !parts[i].empty() && parts[i] != "." && parts[i] != "..";
  }
  return plain && !absl::StrContains(path, '\n');
}

std::vector<std::string> Words(int argc, const char* const* argv) {
  // CLI11 takes the words in reverse, without the name of the program.
  std::vector<std::string> words;
  for (int i = argc - 1; i > 0; --i) words.emplace_back(argv[i]);
  return words;
}

}  // namespace

absl::StatusOr<int64_t> ParseSize(absl::string_view text) {
  absl::string_view digits = text;
  int shift = 0;
  const absl::string_view unit =
      digits.substr(std::min(digits.find_first_not_of("0123456789"), digits.size()));
  digits.remove_suffix(unit.size());
  if (unit == "K" || unit == "KiB") {
    shift = 10;
  } else if (unit == "M" || unit == "MiB") {
    shift = 20;
  } else if (unit == "G" || unit == "GiB") {
    shift = 30;
  } else if (!unit.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("size \"", text, "\" ends in \"", unit, "\"; use K, M, G, KiB, MiB or GiB"));
  }
  int64_t value = 0;
  if (!absl::SimpleAtoi(digits, &value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("size \"", text, "\" does not begin with a number of 1 to 2^63-1"));
  }
  if (value == 0 || value > (std::numeric_limits<int64_t>::max() >> shift)) {
    return absl::InvalidArgumentError(
        absl::StrCat("size \"", text, "\" is out of the range 4096 to 2^63-4096"));
  }
  value <<= shift;
  if (value % kPageBytes != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "size \"", text, "\" is not a multiple of the page size, ", kPageBytes, " bytes"));
  }
  return value;
}

absl::StatusOr<SimulateOption> ParseSimulate(absl::string_view text) {
  SimulateOption simulate;
  const size_t comma = text.find(',');
  const absl::string_view size = text.substr(0, comma);
  if (!size.empty()) {
    absl::StatusOr<int64_t> parsed = ParseSize(size);
    if (!parsed.ok()) return parsed.status();
    simulate.size_bytes = *parsed;
  }
  if (comma != absl::string_view::npos) {
    simulate.name = std::string(text.substr(comma + 1));
    if (absl::Status status = CheckHeapName(simulate.name); !status.ok()) return status;
  }
  return simulate;
}

absl::Status CheckBarrierCgroups(const std::vector<std::string>& paths) {
  if (paths.size() > kMaxBarrierCgroups) {
    return absl::InvalidArgumentError(absl::StrCat("--barrier-cgroup: given ", paths.size(),
                                                   " times, the limit is ", kMaxBarrierCgroups));
  }
  for (const std::string& path : paths) {
    if (!IsPlainPath(path)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--barrier-cgroup: \"", path, "\" is no plain path like /sys/fs/cgroup/apps"));
    }
  }
  for (size_t i = 0; i < paths.size(); ++i) {
    for (size_t j = 0; j < paths.size(); ++j) {
      if (i == j || (paths[i] != paths[j] && !absl::StartsWith(paths[i], paths[j] + "/"))) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "--barrier-cgroup: ", paths[i], " is frozen with ", paths[j], "; name one of them only"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckSyncFilesystems(const std::vector<std::string>& paths) {
  if (paths.size() > kMaxSyncFilesystems) {
    return absl::InvalidArgumentError(absl::StrCat("--sync-filesystem: given ", paths.size(),
                                                   " times, the limit is ", kMaxSyncFilesystems));
  }
  for (auto path = paths.begin(); path != paths.end(); ++path) {
    if (*path != "/" && !IsPlainPath(*path)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--sync-filesystem: \"", *path, "\" is no plain path like /data"));
    }
    if (std::find(paths.begin(), path, *path) != path) {
      return absl::InvalidArgumentError(
          absl::StrCat("--sync-filesystem: ", *path, " is named twice; once is enough"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<DrmHeapOption> ParseDrmHeap(absl::string_view text) {
  // No name has the sign in it, a path may.
  const size_t sign = text.find('=');
  if (sign == absl::string_view::npos || sign + 1 == text.size() || text[sign + 1] != '/') {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not NAME=PATH with an absolute path; write for example ",
                     "display=/dev/dri/card0"));
  }
  DrmHeapOption heap;
  heap.name = std::string(text.substr(0, sign));
  heap.path = std::string(text.substr(sign + 1));
  if (absl::Status status = CheckHeapName(heap.name); !status.ok()) return status;
  return heap;
}

CommandLine ParseCommandLine(int argc, const char* const* argv) {
  Options options;
  options.state_dir.clear();
  std::string role;
  std::string simulate;
  std::vector<std::string> drm_heaps;
  double watchdog_seconds = absl::ToDoubleSeconds(options.watchdog);

  CLI::App app(
      "Hands out contiguous memory (dma-heap buffers) to processes without privileges,\n"
      "or tells them the true reason why not.",
      "dmaheapd");
  app.set_help_flag("-h,--help", "Print this text and exit");
  app.set_version_flag("--version",
                       absl::StrCat("dmaheapd ", kVersion, " (wire versions ", kMinWireVersion,
                                    " to ", kMaxWireVersion, ")"),
                       "Print the version and exit");
  // The last of two equal options counts, so that a service file can be overridden.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  AddFileOptions(app, options);
  CLI::Option* simulate_option =
      app.add_option("--simulate", simulate,
                     "Serve a simulated CMA heap too, for machines\nwithout one. Without a value: "
                     "256MiB,simulated")
          ->type_name("SIZE[,NAME]")
          ->expected(0, 1)
          ->check(CLI::Validator(
              [](const std::string& text) { return Complaint(ParseSimulate(text).status()); }, ""))
          ->group("Files and heaps");
  app.add_option(
         "--drm-heap", drm_heaps,
         "Serve the dumb buffers of this display card as\nheap NAME, where contiguous memory "
         "is only behind\nits driver: NAME=/dev/dri/cardN. Repeatable")
      ->type_name("NAME=PATH")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false)
      ->check(CLI::Validator(
          [](const std::string& text) { return Complaint(ParseDrmHeap(text).status()); }, ""))
      ->group("Files and heaps");
  AddProcessOptions(app, options, watchdog_seconds);
  AddBarrierOptions(app, options);
  AddSyncOptions(app, options);
  app.add_option("--log-level", options.log_level,
                 "How much goes to standard error: trace, debug,\ninfo, warn or error")
      ->type_name("LEVEL")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}).description(""))
      ->capture_default_str()
      ->group("Reporting");
  app.add_option("--ready-fd", options.ready_fd,
                 "An open fd: \"READY\" and a newline are written\nthere once the daemon serves")
      ->type_name("FD")
      ->check(CLI::Range(0, std::numeric_limits<int>::max()).description(""))
      ->group("Reporting");
  // Set by the keeper for its children; an empty group keeps it out of the help.
  app.add_option("--role", role)->check(CLI::IsMember({"broker", "prober"}))->group("");
  app.footer(
      "Signals: TERM and INT stop the daemon, HUP reads the policy again.\n"
      "Sockets from systemd (LISTEN_FDNAMES rpc, fd, admin) or Android init\n"
      "(ANDROID_SOCKET_dmaheapd_rpc, _fd, _admin) are used in place of its own.");

  CommandLine result;
  // CLI11 reports by exceptions; they end here.
  try {
    app.parse(Words(argc, argv));
  } catch (const CLI::CallForHelp&) {
    result.text = app.help();
    return result;
  } catch (const CLI::CallForVersion& version) {
    result.text = absl::StrCat(version.what(), "\n");
    return result;
  } catch (const CLI::Error& error) {
    result.text = absl::StrCat("dmaheapd: ", error.what(), "\nTry dmaheapd --help.\n");
    result.exit_code = kExitUsage;
    return result;
  }

  for (const absl::Status& paths : {CheckBarrierCgroups(options.barrier_cgroups),
                                    CheckSyncFilesystems(options.sync_filesystems)}) {
    if (paths.ok()) continue;
    result.text = absl::StrCat("dmaheapd: ", Complaint(paths), "\nTry dmaheapd --help.\n");
    result.exit_code = kExitUsage;
    return result;
  }
  if (role == "broker") options.role = Role::kBroker;
  if (role == "prober") options.role = Role::kProber;
  if (options.role != Role::kKeeper) options.ready_fd = -1;
  if (options.state_dir.empty()) options.state_dir = absl::StrCat(options.socket_dir, "/state");
  if (simulate_option->count() > 0) options.simulate = ParseSimulate(simulate).value();
  for (const std::string& heap : drm_heaps) {
    options.drm_heaps.push_back(ParseDrmHeap(heap).value());
  }
  if (const std::string name = NameOfTwo(options.drm_heaps); !name.empty()) {
    result.text = absl::StrCat("dmaheapd: --drm-heap: \"", name, "\" is the NAME of two heaps; ",
                               "give each its own\nTry dmaheapd --help.\n");
    result.exit_code = kExitUsage;
    return result;
  }
  options.watchdog = absl::Seconds(watchdog_seconds);
  result.options = std::move(options);
  return result;
}

}  // namespace dmaheap
