#include "daemon/config/policy_words.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "daemon/config/effective_policy.h"
#include "daemon/config/retry_words.h"

namespace dmaheap {
namespace {

constexpr size_t kColumns = 80;
// Longer lists are counted.
constexpr size_t kMaxListed = 16;

// Paragraphs, each with a heading, of items.
class Writer {
 public:
  void Heading(absl::string_view text) {
    if (!text_.empty()) Line("");
    Wrapped("", text);
  }
  void Item(absl::string_view text) { Wrapped("  ", text); }

  std::string Take() {
    if (left_out_ > 0) absl::StrAppend(&text_, "... and ", left_out_, " lines more\n");
    return std::move(text_);
  }

 private:
  void Wrapped(absl::string_view indent, absl::string_view text) {
    std::string line(indent);
    bool empty = true;
    for (const absl::string_view word : absl::StrSplit(text, ' ')) {
      if (!empty && line.size() + 1 + word.size() > kColumns) {
        Line(line);
        line = absl::StrCat(indent, indent);
        empty = true;
      }
      absl::StrAppend(&line, empty ? "" : " ", word);
      empty = false;
    }
    Line(line);
  }
  void Line(absl::string_view text) {
    if (text_.size() + text.size() >= kMaxPolicyWordsBytes) {
      ++left_out_;
    } else {
      absl::StrAppend(&text_, text, "\n");
    }
  }

  std::string text_;
  size_t left_out_ = 0;
};

// "a", "a and b", "a, b and c".
std::string Listed(std::vector<std::string> words) {
  if (words.size() > kMaxListed) {
    const size_t more = words.size() - kMaxListed;
    words.resize(kMaxListed);
    words.push_back(absl::StrCat(more, " more"));
  }
  if (words.size() < 2) return words.empty() ? "" : words.front();
  const std::string last = std::move(words.back());
  words.pop_back();
  return absl::StrCat(absl::StrJoin(words, ", "), " and ", last);
}

std::string Who(const config::v1::Principals& who) {
  std::vector<std::string> words;
  if (who.everybody()) words.push_back("everybody");
  for (const uint32_t uid : who.uids()) words.push_back(absl::StrCat("uid ", uid));
  for (const auto& range : who.uid_ranges()) {
    words.push_back(absl::StrCat("uids ", range.first(), " to ", range.last()));
  }
  for (const uint32_t gid : who.gids()) words.push_back(absl::StrCat("gid ", gid));
  return Listed(std::move(words));
}

std::string Size(int64_t bytes) {
  for (const auto& [shift, unit] : {std::pair(30, " GiB"), {20, " MiB"}, {10, " KiB"}}) {
    if (bytes > 0 && bytes % (int64_t{1} << shift) == 0) return absl::StrCat(bytes >> shift, unit);
  }
  return absl::StrCat(bytes, " bytes");
}

bool Gives(const config::v1::AccessRule& rule, config::v1::Right right) {
  return std::find(rule.rights().begin(), rule.rights().end(), right) != rule.rights().end();
}

// What stands in a list, or what "*" means.
std::string Named(const google::protobuf::RepeatedPtrField<std::string>& names,
                  absl::string_view of_all, absl::string_view kind) {
  if (std::find(names.begin(), names.end(), "*") != names.end()) return std::string(of_all);
  return absl::StrCat(kind, Listed({names.begin(), names.end()}));
}

// On which heaps, and what requests there may choose; empty if the rule gives no memory.
std::string Memory(const config::v1::AccessRule& rule) {
  std::vector<std::string> verbs;
  if (Gives(rule, config::v1::ALLOCATE)) verbs.push_back("allocate");
  if (Gives(rule, config::v1::HOLD)) verbs.push_back("hold");
  if (Gives(rule, config::v1::RESERVE)) verbs.push_back("reserve");
  if (verbs.empty()) return "";
  const std::string policies =
      rule.retry_policies().empty()
          ? absl::StrCat("the retry policies ", kFailfastPolicy, " and ", kDefaultPolicy,
                         " (the rule names none)")
          : Named(rule.retry_policies(), "any retry policy",
                  rule.retry_policies_size() == 1 ? "the retry policy " : "the retry policies ");
  const config::v1::Priority most = rule.max_priority() == config::v1::PRIORITY_UNSPECIFIED
                                        ? config::v1::NORMAL
                                        : rule.max_priority();
  return absl::StrCat(Listed(std::move(verbs)), " on ", Named(rule.heaps(), "every heap", ""),
                      ", and choose ", policies, " and ",
                      most == config::v1::LOW
                          ? "priority LOW"
                          : absl::StrCat("priorities up to ", config::v1::Priority_Name(most)));
}

void Access(const config::v1::Policy& policy, Writer& out) {
  out.Heading(absl::StrCat(
      "Who may do what. Who matches several rules has what any of them "
      "gives, who matches none has nothing. Uid ",
      kOverflowUid, " is nobody in particular: only its own number or a gid matches it."));
  for (int i = 0; i < policy.access_size(); ++i) {
    const config::v1::AccessRule& rule = policy.access(i);
    std::vector<std::string> daemon;
    if (Gives(rule, config::v1::INSPECT)) daemon.push_back("inspect");
    if (Gives(rule, config::v1::ADMIN)) daemon.push_back("administer");
    std::string may = Memory(rule);
    if (!daemon.empty()) {
      absl::StrAppend(&may, may.empty() ? "" : "; and may ", Listed(daemon), " the daemon");
    }
    out.Item(absl::StrCat("Rule ", i, ": ", Who(rule.who()), " may ", may, "."));
  }
}

void Quotas(const config::v1::Policy& policy, Writer& out) {
  out.Heading("How much. The first quota that a uid matches counts, for each uid by itself.");
  bool for_all = false;
  for (int i = 0; i < policy.quotas_size(); ++i) {
    const config::v1::Quota& quota = policy.quotas(i);
    for_all |= quota.who().everybody();
    if ((quota.has_max_bytes() && quota.max_bytes() == 0) ||
        (quota.has_max_buffers() && quota.max_buffers() == 0)) {
      out.Item(absl::StrCat("Quota ", i, ": ", Who(quota.who()), " may have nothing."));
      continue;
    }
    out.Item(absl::StrCat(
        "Quota ", i, ": ", Who(quota.who()), " may have ",
        quota.has_max_bytes() ? absl::StrCat("up to ", Size(quota.max_bytes())) : "any size",
        " in ",
        quota.has_max_buffers() ? absl::StrCat("up to ", quota.max_buffers(),
                                               quota.max_buffers() == 1 ? " buffer" : " buffers")
                                : "any number of buffers",
        "."));
  }
  if (!for_all) {
    out.Item(absl::StrCat(policy.quotas().empty() ? "Nobody" : "Nobody else",
                          " has a limit but the heap."));
  }
}

void Leases(const EffectivePolicy& policy, Writer& out) {
  out.Heading(absl::StrCat("How long. A held buffer is freed after ",
                           absl::FormatDuration(policy.leases().default_lease),
                           " unless its request asks for another time, at most ",
                           absl::FormatDuration(policy.leases().max_lease), "."));
}

void Retries(const config::v1::Policy& policy, const EffectivePolicy& effective, Writer& out) {
  out.Heading(
      "What a request does after a failed attempt, by the retry policy that it goes by. Its "
      "deadline and its cancel end it whatever the policy.");
  for (const RetryPolicy& retry : effective.retry_policies()) {
    const bool given = std::any_of(policy.retry_policies().begin(), policy.retry_policies().end(),
                                   [&](const auto& other) { return other.name() == retry.name; });
    out.Item(absl::StrCat(retry.name, given ? ": " : " (of every daemon): ", RetryWords(retry)));
  }
}

void Heaps(const config::v1::Policy& policy, const EffectivePolicy& effective, Writer& out) {
  out.Heading(absl::StrCat(
      "Which retry policy a request goes by that chooses none: ", kDefaultPolicy, ", but for:"));
  for (const config::v1::HeapPolicy& heap : policy.heap_policies()) {
    out.Item(absl::StrCat("Heap ", heap.heap(), ": ", heap.retry_policy(),
                          ", for whoever may use the heap."));
  }
  for (const VirtualHeapConfig& heap : effective.virtual_heaps()) {
    out.Item(absl::StrCat(
        "Virtual heap ", heap.name, IsShipped(heap) ? " (of every daemon): " : ": ",
        heap.retry_policy, ", on ",
        heap.heap.empty() ? "the contiguous default area" : absl::StrCat("heap ", heap.heap),
        ", for whom a rule gives this retry policy there."));
  }
  if (policy.simulated_heaps().empty() && policy.heap_aliases().empty()) return;
  out.Heading("Which heaps there are beside the kernel's.");
  for (const config::v1::SimulatedHeap& heap : policy.simulated_heaps()) {
    out.Item(absl::StrCat("Simulated heap ", heap.name(), ": ", Size(heap.size_bytes()),
                          " of ordinary memory that behaves like a CMA area."));
  }
  for (const config::v1::HeapAlias& alias : policy.heap_aliases()) {
    out.Item(absl::StrCat("Alias ", alias.alias(), ": another name for heap ", alias.heap(), "."));
  }
}

}  // namespace

std::string PolicyWords(const config::v1::Policy& policy) {
  const EffectivePolicy effective(policy);
  Writer out;
  Access(policy, out);
  Quotas(policy, out);
  Leases(effective, out);
  Retries(policy, effective, out);
  Heaps(policy, effective, out);
  return out.Take();
}

}  // namespace dmaheap
