#include "client/ctl/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "client/ctl/exit_code.h"
#include "client/ctl/parse_value.h"
#include "client/dmaheap.h"

namespace dmaheap::ctl {
namespace {

using Words = std::vector<std::string>;

const Words& Kinds() {
  static const Words& kinds =
      *new Words{"heaps",     "buffers", "clients",  "allocations", "reservations",
                 "diagnoses", "pinners", "evidence", "metrics"};
  return kinds;
}
const Words& Formats() {
  static const Words& formats = *new Words{"table", "wide", "json", "name"};
  return formats;
}
const Words& Priorities() {
  static const Words& priorities = *new Words{"low", "normal", "high"};
  return priorities;
}
const Words& Levels() {
  static const Words& levels = *new Words{"trace", "debug", "info", "warn", "error"};
  return levels;
}
const Words& PolicyActions() {
  static const Words& actions = *new Words{"check"};
  return actions;
}
const Words& Shells() {
  static const Words& shells = *new Words{"bash", "zsh", "fish"};
  return shells;
}

// Texts of options that need a second look once all is read.
struct RawWords {
  std::string format = "table";
  std::string timeout = "5s";
  std::string kind;
  std::string described;
  std::string released;
  std::string size;
  std::string lease;
  // 0: not said.
  int refill_below = 0;
  std::string priority;
  std::string policy_action;
};

// CLI11 takes an empty string for a value that is right, else the text of the complaint.
std::string Complaint(const absl::Status& status) {
  return status.ok() ? std::string() : std::string(status.message());
}

const CLI::Validator& IsSize() {
  static const CLI::Validator& check = *new CLI::Validator(
      [](const std::string& text) { return Complaint(ParseSize(text).status()); }, "");
  return check;
}

const CLI::Validator& IsDuration() {
  static const CLI::Validator& check = *new CLI::Validator(
      [](const std::string& text) { return Complaint(ParseDuration(text).status()); }, "");
  return check;
}

void AddGlobalOptions(CLI::App& app, Arguments& arguments, RawWords& raw) {
  app.add_option("--socket-dir", arguments.socket_dir,
                 "Folder of the daemon's sockets\n[default: $DMAHEAPD_SOCKET_DIR or /run/dmaheapd]")
      ->type_name("DIR");
  app.add_option("-o,--output", raw.format, "table, wide, json or name")
      ->type_name("FORMAT")
      ->check(CLI::IsMember(Formats()))
      ->capture_default_str();
  app.add_option("--timeout", raw.timeout, "Until when the daemon has to have answered")
      ->type_name("DURATION")
      ->check(IsDuration())
      ->capture_default_str();
}

// What a draw may leave to its reservation.
enum class Required { kYes, kUnlessDrawn };

void AddWhatToAllocate(CLI::App& verb, Required required, Arguments& arguments, RawWords& raw) {
  const bool always = required == Required::kYes;
  const std::string unless = always ? "" : " [not with --reservation]";
  verb.add_option("HEAP", arguments.heap, "Name or alias of the heap" + unless)->required(always);
  verb.add_option("SIZE", raw.size, "Bytes of each buffer: 4096, 4k, 4KiB, 8MiB, 1G" + unless)
      ->required(always)
      ->check(IsSize());
}

void AddHowToAllocate(CLI::App& verb, Arguments& arguments, RawWords& raw) {
  verb.add_option("--label", arguments.label, "Name of the buffers, at most 31 characters")
      ->type_name("LABEL");
  verb.add_option("--priority", raw.priority, "low, normal or high [default: the daemon's, normal]")
      ->type_name("PRIORITY")
      ->check(CLI::IsMember(Priorities()));
  verb.add_option("--policy,--retry-policy", arguments.retry_policy,
                  "Retry policy to go by [default: the heap's]")
      ->type_name("NAME");
  verb.add_flag("--wait", arguments.wait,
                "Wait until interrupted, as far as the policy does (that of linux,cma-nofail\n"
                "never gives up), and tell how it fares; --timeout is for the connecting only");
}

void AddCount(CLI::App& verb, Arguments& arguments) {
  verb.add_option("--count", arguments.count, "Buffers; all of them or none")
      ->type_name("N")
      ->capture_default_str();
}

void AddDryRun(CLI::App& verb, Arguments& arguments) {
  verb.add_flag("--dry-run", arguments.dry_run, "Do every check, allocate nothing");
}

void AddReserve(CLI::App& app, Arguments& arguments, RawWords& raw) {
  CLI::App* reserve = app.add_subcommand(
      "reserve",
      "Book buffers ahead, for alloc --reservation. Without a session that keeps it, it\n"
      "ends with its lease, which each draw begins anew (right `reserve`)");
  AddWhatToAllocate(*reserve, Required::kYes, arguments, raw);
  reserve->add_option("COUNT", arguments.count, "Buffers, 1 to 32; all of them or none")
      ->required();
  AddHowToAllocate(*reserve, arguments, raw);
  reserve->add_option("--lease", raw.lease, "How long it stays [default: the daemon's, 60s]")
      ->type_name("DURATION")
      ->check(IsDuration());
  reserve
      ->add_option("--refill-below", raw.refill_below,
                   "Make released ones again once fewer than N exist [default: COUNT]")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  AddDryRun(*reserve, arguments);
}

void AddVerbs(CLI::App& app, Arguments& arguments, RawWords& raw) {
  CLI::App* get = app.add_subcommand("get",
                                     "List heaps, buffers, clients, requests under way,\n"
                                     "reservations, diagnoses of failures, who kept requests\n"
                                     "waiting, what tells of failures, or metrics");
  get->add_option("KIND", raw.kind,
                  "heaps, buffers, clients, allocations, reservations, diagnoses,\n"
                  "pinners (who kept requests waiting), evidence (what tells why they\n"
                  "fail; -o wide: what would make it tell) or metrics (the table leaves\n"
                  "out those that count nothing yet; -o wide does not)")
      ->required()
      ->check(CLI::IsMember(Kinds()));
  get->add_flag("--all", arguments.all,
                "Those of all users, of buffers, reservations or diagnoses (needs the\n"
                "right `inspect`)");
  get->add_flag("-w,--watch", arguments.watch,
                "Allocations: then each change too, until interrupted");

  CLI::App* describe = app.add_subcommand("describe", "Show all there is to know of one thing");
  describe->add_option("NAME", raw.described, "heap/X, buffer/X, allocation/X or reservation/X")
      ->required();

  CLI::App* explain = app.add_subcommand(
      "explain",
      "Say why a request failed, who has to do with it, and what would help. The\n"
      "error of the request names its diagnosis");
  explain->add_option("NAME", arguments.diagnosis, "diagnoses/N or N [default: the newest]");
  explain->add_flag("--all", arguments.all,
                    "Of any user, with what others have to do with it (needs the right\n"
                    "`inspect`)");

  CLI::App* alloc =
      app.add_subcommand("alloc",
                         "Allocate buffers. With -- COMMAND: run it with the fds inherited and\n"
                         "their numbers in DMAHEAP_FDS=3,4,...; without: show and release them");
  AddWhatToAllocate(*alloc, Required::kUnlessDrawn, arguments, raw);
  AddCount(*alloc, arguments);
  AddHowToAllocate(*alloc, arguments, raw);
  alloc
      ->add_option("--reservation", arguments.reservation,
                   "Draw from what was booked; what is not ready is allocated")
      ->type_name("NAME");
  AddDryRun(*alloc, arguments);

  CLI::App* hold =
      app.add_subcommand("hold",
                         "Allocate buffers that stay in the daemon until claimed. Shows each with\n"
                         "the token that claims it (-o name: NAME TOKEN)");
  AddWhatToAllocate(*hold, Required::kYes, arguments, raw);
  AddCount(*hold, arguments);
  AddHowToAllocate(*hold, arguments, raw);
  hold->add_option("--lease", raw.lease, "How long to hold [default: the daemon's, 60s]")
      ->type_name("DURATION")
      ->check(IsDuration());

  CLI::App* claim =
      app.add_subcommand("claim", "Take one held buffer, as alloc does, also for -- COMMAND");
  claim->add_option("NAME", arguments.buffer, "The buffer")->required();
  claim->add_option("TOKEN", arguments.token, "What hold printed; - reads it from standard input")
      ->required();

  CLI::App* release = app.add_subcommand("release", "Free a held buffer, or end a reservation");
  release->add_option("NAME", raw.released, "The buffer, or reservations/X")->required();
  release
      ->add_option("--token", arguments.token,
                   "Needed for another user's buffer; - reads it from standard input")
      ->type_name("TOKEN");

  AddReserve(app, arguments, raw);

  app.add_subcommand("version", "Show the versions of this library and of the daemon");
  app.add_subcommand("reload", "Let the daemon read its policy again (right `admin`)");
  CLI::App* policy =
      app.add_subcommand("policy",
                         "Let the daemon check a policy file: what it would do, or what is wrong\n"
                         "with it, then with exit code 2 (right `inspect`)");
  policy->add_option("ACTION", raw.policy_action, "check")
      ->required()
      ->check(CLI::IsMember(PolicyActions()));
  policy->add_option("FILE", arguments.file, "The file; - reads it from standard input")
      ->required();
  app.add_subcommand("log-level", "Set how much the daemon logs (right `admin`)")
      ->add_option("LEVEL", arguments.log_level, "trace, debug, info, warn or error")
      ->required()
      ->check(CLI::IsMember(Levels()));
  app.add_subcommand("completion", "Print a script that completes words in a shell")
      ->add_option("SHELL", arguments.shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember(Shells()));
}

void Define(CLI::App& app, Arguments& arguments, RawWords& raw) {
  app.set_help_flag("-h,--help", "Print this text, or that of a verb, and exit");
  app.set_version_flag("--version", absl::StrCat("dmaheapctl ", LibraryVersion()),
                       "Print the version of this program and exit");
  // The last of two equal options counts, so that an alias can be overridden.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  // The options of the program may stand behind the verb, too.
  app.fallthrough();
  app.require_subcommand(1);
  AddGlobalOptions(app, arguments, raw);
  AddVerbs(app, arguments, raw);
  app.footer(
      "Exit codes: 0 done, 1 other, 2 usage, 3 daemon not reachable, 4 permission,\n"
      "5 not found, 6 exhausted or unavailable, 7 deadline, 130 interrupted;\n"
      "with -- COMMAND the command's own, 126 or 127 if it can not be run.");
}

std::string Description() { return "Asks dmaheapd for contiguous memory, and how it is."; }

absl::Status ReadGet(const RawWords& raw, Arguments& arguments) {
  if (raw.kind == "heaps") arguments.verb = Verb::kGetHeaps;
  if (raw.kind == "buffers") arguments.verb = Verb::kGetBuffers;
  if (raw.kind == "clients") arguments.verb = Verb::kGetClients;
  if (raw.kind == "allocations") arguments.verb = Verb::kGetAllocations;
  if (raw.kind == "reservations") arguments.verb = Verb::kGetReservations;
  if (raw.kind == "metrics") arguments.verb = Verb::kGetMetrics;
  if (raw.kind == "pinners") arguments.verb = Verb::kGetPinners;
  if (raw.kind == "evidence") arguments.verb = Verb::kGetEvidence;
  if (raw.kind == "diagnoses") arguments.verb = Verb::kGetDiagnoses;
  if (arguments.all && arguments.verb != Verb::kGetBuffers &&
      arguments.verb != Verb::kGetReservations && arguments.verb != Verb::kGetDiagnoses) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--all is for buffers, reservations and diagnoses; ", raw.kind, " are always all"));
  }
  if (arguments.watch && arguments.verb != Verb::kGetAllocations) {
    return absl::InvalidArgumentError(
        absl::StrCat("--watch is for allocations, not for ", raw.kind));
  }
  return absl::OkStatus();
}

absl::Status ReadDescribed(const RawWords& raw, Arguments& arguments) {
  struct Kind {
    // In the singular.
    absl::string_view collection;
    Verb verb;
    std::string Arguments::*name;
  };
  static constexpr Kind kKinds[] = {
      {"heap", Verb::kDescribeHeap, &Arguments::heap},
      {"buffer", Verb::kDescribeBuffer, &Arguments::buffer},
      {"allocation", Verb::kDescribeAllocation, &Arguments::allocation},
      {"reservation", Verb::kDescribeReservation, &Arguments::reservation},
  };
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(raw.described, absl::MaxSplits('/', 1));
  for (const Kind& kind : kKinds) {
    if (parts.second.empty() || absl::StripSuffix(parts.first, "s") != kind.collection) continue;
    arguments.verb = kind.verb;
    arguments.*kind.name = std::string(parts.second);
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "NAME is heap/X, buffer/X, allocation/X or reservation/X, not \"", raw.described, "\""));
}

absl::Status ReadReleased(const RawWords& raw, Arguments& arguments) {
  for (const absl::string_view prefix : {"reservations/", "reservation/"}) {
    absl::string_view name = raw.released;
    if (!absl::ConsumePrefix(&name, prefix)) continue;
    arguments.verb = Verb::kReleaseReservation;
    arguments.reservation = std::string(name);
    if (arguments.token.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError("--token is for buffers; a reservation has none");
  }
  arguments.verb = Verb::kRelease;
  arguments.buffer = raw.released;
  return absl::OkStatus();
}

absl::Status CheckAlloc(const RawWords& raw, const Arguments& arguments) {
  const bool complete = !arguments.heap.empty() && !raw.size.empty();
  if (complete || !arguments.reservation.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(arguments.heap.empty() ? "HEAP" : "SIZE",
                   " is required, unless --reservation says what to draw from"));
}

// From texts, each already checked, to values.
absl::Status Read(absl::string_view verb, const RawWords& raw, bool has_command,
                  Arguments& arguments) {
  static const auto& kVerbs = *new std::map<absl::string_view, Verb>{
      {"alloc", Verb::kAlloc},        {"hold", Verb::kHold},
      {"claim", Verb::kClaim},        {"reserve", Verb::kReserve},
      {"version", Verb::kVersion},    {"reload", Verb::kReload},
      {"log-level", Verb::kLogLevel}, {"completion", Verb::kCompletion},
      {"policy", Verb::kPolicyCheck}, {"explain", Verb::kExplain},
  };
  static const auto& kFormats = *new std::map<absl::string_view, Format>{
      {"table", Format::kTable},
      {"wide", Format::kWide},
      {"json", Format::kJson},
      {"name", Format::kName},
  };
  static const auto& kPriorities = *new std::map<absl::string_view, Priority>{
      {"", Priority::kUnspecified},
      {"low", Priority::kLow},
      {"normal", Priority::kNormal},
      {"high", Priority::kHigh},
  };
  arguments.format = kFormats.at(raw.format);
  arguments.timeout = ParseDuration(raw.timeout).value();
  arguments.priority = kPriorities.at(raw.priority);
  if (!raw.size.empty()) arguments.size_bytes = ParseSize(raw.size).value();
  if (!raw.lease.empty()) arguments.lease = ParseDuration(raw.lease).value();
  if (raw.refill_below > 0) arguments.refill_below = raw.refill_below;
  absl::Status status;
  if (verb == "get") {
    status = ReadGet(raw, arguments);
  } else if (verb == "describe") {
    status = ReadDescribed(raw, arguments);
  } else if (verb == "release") {
    status = ReadReleased(raw, arguments);
  } else {
    arguments.verb = kVerbs.at(verb);
    if (arguments.verb == Verb::kAlloc) status = CheckAlloc(raw, arguments);
  }
  if (!status.ok() || !has_command) return status;
  if (arguments.verb != Verb::kAlloc && arguments.verb != Verb::kClaim) {
    return absl::InvalidArgumentError(
        absl::StrCat("a COMMAND behind -- is for alloc and claim, not for ", verb));
  }
  if (arguments.command.empty() || arguments.command.front().empty()) {
    return absl::InvalidArgumentError("there is no COMMAND behind --");
  }
  return absl::OkStatus();
}

CommandLine UsageError(absl::string_view text) {
  CommandLine line;
  line.text = absl::StrCat("dmaheapctl: ", text, "\nTry dmaheapctl --help.\n");
  line.exit_code = kExitUsage;
  return line;
}

Words OptionNames(const CLI::App& app) {
  Words names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back(absl::StrCat("--", name));
  }
  return names;
}

}  // namespace

CommandLine ParseCommandLine(int argc, const char* const* argv) {
  Arguments arguments;
  RawWords raw;
  CLI::App app(Description(), "dmaheapctl");
  Define(app, arguments, raw);

  Words words(argv + std::min(argc, 1), argv + argc);
  // Taken off before CLI11 can look into it.
  const auto dashes = std::find(words.begin(), words.end(), "--");
  const bool has_command = dashes != words.end();
  if (has_command) arguments.command.assign(dashes + 1, words.end());
  words.erase(dashes, words.end());
  // CLI11 takes the words in reverse.
  std::reverse(words.begin(), words.end());

  CommandLine line;
  // CLI11 reports by exceptions; they end here.
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    line.text = app.help();
    return line;
  } catch (const CLI::CallForVersion& version) {
    line.text = absl::StrCat(version.what(), "\n");
    return line;
  } catch (const CLI::Error& error) {
    if (!app.get_subcommands().empty()) return UsageError(error.what());
    // CLI11 would say that a subcommand is required, whatever stands in its place.
    const Words left = app.remaining();
    if (!left.empty()) return UsageError(absl::StrCat("no verb ", left.front()));
    if (error.get_name() == "RequiredError") return UsageError("which verb?");
    return UsageError(error.what());
  }
  const absl::Status read =
      Read(app.get_subcommands().front()->get_name(), raw, has_command, arguments);
  if (!read.ok()) return UsageError(read.message());
  line.arguments = std::move(arguments);
  return line;
}

CompletionWords CommandLineWords() {
  Arguments arguments;
  RawWords raw;
  CLI::App app(Description(), "dmaheapctl");
  Define(app, arguments, raw);
  CompletionWords words;
  words.options = OptionNames(app);
  words.formats = Formats();
  words.priorities = Priorities();
  for (const CLI::App* verb : app.get_subcommands({})) {
    CompletionWords::Verb entry;
    entry.name = verb->get_name();
    const std::string text = verb->get_description();
    entry.description = text.substr(0, text.find_first_of(".\n"));
    entry.options = OptionNames(*verb);
    if (entry.name == "get") entry.values = Kinds();
    if (entry.name == "describe")
      entry.values = {"heap/", "buffer/", "allocation/", "reservation/"};
    if (entry.name == "log-level") entry.values = Levels();
    if (entry.name == "policy") entry.values = PolicyActions();
    if (entry.name == "completion") entry.values = Shells();
    entry.takes_heap = verb->get_option_no_throw("HEAP") != nullptr;
    entry.takes_reservation = entry.name == "release";
    entry.takes_diagnosis = entry.name == "explain";
    entry.takes_file = verb->get_option_no_throw("FILE") != nullptr;
    words.verbs.push_back(std::move(entry));
  }
  return words;
}

}  // namespace dmaheap::ctl
