#include "tests/bench/alloc_rows.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/bench/distribution.h"

namespace dmaheap::bench {
namespace {

constexpr const char* kNames[kAllocContenders] = {"dmaheapd", "grpc_floor", "raw_seqpacket"};

absl::optional<Distribution> Of(const Samples& samples, AllocContender contender) {
  const auto index = static_cast<size_t>(contender);
  return index < samples.size() ? Describe(samples[index]) : absl::nullopt;
}

// A bound relative to what may not have been measured.
absl::optional<Bound> BoundOf(Bound::Side side, double factor, absl::optional<double> of,
                              const char* origin) {
  if (!of.has_value()) return absl::nullopt;
  return Bound{side, factor * *of, absl::StrCat(factor, " x ", origin)};
}

void AddLatencies(absl::string_view name, const Samples& samples, std::vector<Row>& rows) {
  for (int i = 0; i < kAllocContenders; ++i) {
    const auto distribution = Of(samples, static_cast<AllocContender>(i));
    Row p50 = {absl::StrCat(name, ".", kNames[i], ".p50_us"), absl::nullopt, "us", absl::nullopt};
    Row p99 = {absl::StrCat(name, ".", kNames[i], ".p99_us"), absl::nullopt, "us", absl::nullopt};
    if (distribution.has_value()) {
      p50.value = distribution->p50;
      p99.value = distribution->p99;
    }
    rows.push_back(std::move(p50));
    rows.push_back(std::move(p99));
  }
}

Row ThroughputRow(AllocContender contender, const Throughput& throughput) {
  return {absl::StrCat("alloc_4k_x16.", kNames[contender], ".ops_per_s"), throughput.per_second(),
          "ops/s", absl::nullopt};
}

std::string Memory(const ResidentMemory& memory) {
  return absl::StrFormat("%.1f MiB (%.1f its own)", memory.all, memory.anonymous);
}

std::string OneClient(absl::string_view size, const Samples& samples) {
  std::string text = absl::StrCat("One client, ", size, ":");
  for (int i = 0; i < kAllocContenders; ++i) {
    const auto distribution = Of(samples, static_cast<AllocContender>(i));
    if (!distribution.has_value()) continue;
    absl::StrAppendFormat(&text, "%s %s %.0f ops/s of %d", i == 0 ? "" : ",", kNames[i],
                          1e6 / distribution->mean, distribution->count);
  }
  return absl::StrCat(text, " counted.");
}

}  // namespace

std::vector<Row> AllocRows(const AllocMeasurements& measured) {
  std::vector<Row> rows;
  AddLatencies("alloc_4k", measured.us_4k, rows);
  if (const auto floor = Of(measured.us_4k, kGrpcFloor); floor.has_value()) {
    rows[0].bound =
        BoundOf(Bound::Side::kAtMost, kLatencyOverFloor, floor->p50, "grpc_floor of this run");
  }
  AddLatencies("alloc_8m", measured.us_8m, rows);
  rows.push_back(ThroughputRow(kDmaheapd, measured.dmaheapd_x16));
  rows.back().bound = BoundOf(Bound::Side::kAtLeast, kThroughputOfFloor,
                              measured.grpc_floor_x16.per_second(), "grpc_floor of this run");
  rows.push_back(ThroughputRow(kGrpcFloor, measured.grpc_floor_x16));
  rows.push_back({"daemon.rss_start_mib", measured.broker.all, "MiB",
                  Bound{Bound::Side::kAtMost, kBrokerStartMib, ""}});
  Row with_sessions = {"daemon.rss_100_sessions_mib", absl::nullopt, "MiB", absl::nullopt};
  if (measured.broker_with_sessions.has_value()) {
    with_sessions.value = measured.broker_with_sessions->all;
  }
  rows.push_back(std::move(with_sessions));
  return rows;
}

std::vector<std::string> AllocNotes(const AllocMeasurements& measured) {
  std::vector<std::string> notes = {
      OneClient("4 KiB", measured.us_4k),
      OneClient("8 MiB", measured.us_8m),
      "daemon.rss_* is VmRSS of the broker, the process that serves clients. It counts pages of",
      "shared libraries, which its other processes and other programs have too. At the start:",
      absl::StrCat("  broker ", Memory(measured.broker), ", keeper ", Memory(measured.keeper),
                   ", prober ", Memory(measured.prober)),
      absl::StrCat("  with 100 sessions: broker ",
                   measured.broker_with_sessions.has_value()
                       ? Memory(*measured.broker_with_sessions)
                       : "not measured: it takes clients of several users, so run it as root"),
      absl::StrCat("  after this run: broker ", Memory(measured.broker_at_end)),
  };
  return notes;
}

}  // namespace dmaheap::bench
