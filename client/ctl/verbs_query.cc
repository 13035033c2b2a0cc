#include "client/ctl/verbs_query.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/ctl/daemon_calls.h"
#include "client/ctl/diagnosis_view.h"
#include "client/ctl/exit_code.h"
#include "client/ctl/metric_view.h"
#include "client/ctl/show.h"
#include "client/ctl/views.h"
#include "client/dmaheap.h"
#include "client/internal/convert.h"

namespace dmaheap::ctl {
namespace {

// A line for each that comes, at once.
absl::StatusOr<int> WatchAllocations(Format format, DaemonCalls& daemon, const Streams& streams) {
  const bool wide = format == Format::kWide;
  GrowingTable table(wide ? 0 : kTerminalColumns);
  absl::Status wrong;
  const absl::StatusOr<bool> interrupted = daemon.WatchAllocations([&](const v1::Allocation& a) {
    if (format == Format::kJson) {
      const absl::StatusOr<std::string> line = JsonLine(a);
      wrong.Update(line.status());
      if (line.ok()) streams.out << *line;
    } else if (format == Format::kName) {
      streams.out << a.name() << "\n";
    } else {
      v1::ListAllocationsResponse one;
      *one.add_allocations() = a;
      streams.out << table.Add(UnderWayTable(one, wide));
    }
    streams.out.flush();
    return wrong.ok() && streams.out.good();
  });
  if (!wrong.ok()) return wrong;
  if (!interrupted.ok()) return interrupted.status();
  // Nothing failed, but it has no end of its own: like kubectl, not 0.
  return *interrupted ? kExitInterrupted : kExitOk;
}

absl::StatusOr<int> GetPinners(Format format, DaemonCalls& daemon, const Streams& streams) {
  const auto pinners = daemon.ListPinners();
  if (!pinners.ok()) return pinners.status();
  std::string names;
  for (const v1::Pinner& pinner : pinners->pinners()) names += pinner.process_name() + "\n";
  return ShowTable(
      format, *pinners, JsonFields::kWhole, names,
      [&](bool wide) { return PinnerTable(*pinners, wide, absl::Now()); }, streams.out);
}

absl::StatusOr<int> GetEvidence(Format format, DaemonCalls& daemon, const Streams& streams) {
  const auto info = daemon.GetServerInfo();
  if (!info.ok()) return info.status();
  std::string names;
  for (const v1::EvidenceSource& source : info->evidence_sources()) {
    if (!source.errno_name().empty()) continue;
    names += v1::EvidenceSource::Kind_Name(source.kind()) + "\n";
  }
  // Of all that the daemon tells of itself, this alone.
  v1::ServerInfo evidence;
  evidence.set_evidence_level(info->evidence_level());
  *evidence.mutable_evidence_sources() = info->evidence_sources();
  return ShowTable(
      format, evidence, JsonFields::kWhole, names,
      [&](bool wide) { return SourceTable(evidence, wide); }, streams.out);
}

absl::StatusOr<v1::Allocation> FindAllocation(DaemonCalls& daemon, absl::string_view name) {
  absl::StatusOr<v1::ListAllocationsResponse> allocations = daemon.ListAllocations();
  if (!allocations.ok()) return allocations.status();
  const std::string wanted = client_internal::ResourceName("allocations", name);
  for (v1::Allocation& allocation : *allocations->mutable_allocations()) {
    if (allocation.name() == wanted) return std::move(allocation);
  }
  return absl::NotFoundError(absl::StrCat(
      "there is no ", wanted, " under way; dmaheapctl get allocations shows those there are"));
}

}  // namespace

absl::StatusOr<int> Get(const Arguments& arguments, Interrupt& interrupt, const Streams& streams) {
  DaemonCalls daemon(arguments.socket_dir, arguments.timeout, interrupt);
  if (arguments.verb == Verb::kGetHeaps) {
    const auto heaps = daemon.ListHeaps();
    if (!heaps.ok()) return heaps.status();
    return ShowTable(
        arguments.format, *heaps, JsonFields::kWhole, NamesOf(heaps->heaps()),
        [&](bool wide) { return HeapTable(*heaps, wide); }, streams.out);
  }
  if (arguments.verb == Verb::kGetClients) {
    const auto clients = daemon.ListClients();
    if (!clients.ok()) return clients.status();
    return ShowTable(
        arguments.format, *clients, JsonFields::kWhole, NamesOf(clients->clients()),
        [&](bool wide) { return ClientTable(*clients, wide, absl::Now()); }, streams.out);
  }
  if (arguments.verb == Verb::kGetAllocations) {
    if (arguments.watch) return WatchAllocations(arguments.format, daemon, streams);
    const auto allocations = daemon.ListAllocations();
    if (!allocations.ok()) return allocations.status();
    return ShowTable(
        arguments.format, *allocations, JsonFields::kWhole, NamesOf(allocations->allocations()),
        [&](bool wide) { return UnderWayTable(*allocations, wide); }, streams.out);
  }
  if (arguments.verb == Verb::kGetReservations) {
    const auto reservations =
        arguments.all ? daemon.ListAllReservations() : daemon.ListReservations();
    if (!reservations.ok()) return reservations.status();
    return ShowTable(
        arguments.format, *reservations, JsonFields::kWhole, NamesOf(reservations->reservations()),
        [&](bool wide) {
          return ReservationTable(*reservations, wide, arguments.all, absl::Now());
        },
        streams.out);
  }
  if (arguments.verb == Verb::kGetDiagnoses) {
    const auto diagnoses = arguments.all ? daemon.ListAllDiagnoses() : daemon.ListDiagnoses();
    if (!diagnoses.ok()) return diagnoses.status();
    return ShowTable(
        arguments.format, *diagnoses, JsonFields::kWhole, NamesOf(diagnoses->diagnoses()),
        [&](bool wide) { return DiagnosisTable(*diagnoses, wide, arguments.all, absl::Now()); },
        streams.out);
  }
  if (arguments.verb == Verb::kGetPinners) return GetPinners(arguments.format, daemon, streams);
  if (arguments.verb == Verb::kGetEvidence) return GetEvidence(arguments.format, daemon, streams);
  if (arguments.verb == Verb::kGetMetrics) {
    const auto metrics = daemon.GetMetrics();
    if (!metrics.ok()) return metrics.status();
    return ShowTable(
        arguments.format, *metrics, JsonFields::kWhole, NamesOf(metrics->families()),
        [&](bool wide) { return MetricTable(*metrics, wide); }, streams.out);
  }
  const auto buffers = arguments.all ? daemon.ListAllBuffers() : daemon.ListBuffers();
  if (!buffers.ok()) return buffers.status();
  if (buffers->accounting() == v1::PARTIAL) {
    streams.err << "dmaheapctl: the accounting is partial: memory in flight between processes and "
                   "inside drivers is not seen\n";
  }
  return ShowTable(
      arguments.format, *buffers, JsonFields::kWhole, NamesOf(buffers->buffers()),
      [&](bool wide) { return BufferTable(*buffers, wide, arguments.all, absl::Now()); },
      streams.out);
}

absl::StatusOr<int> Describe(const Arguments& arguments, Interrupt& interrupt,
                             const Streams& streams) {
  DaemonCalls daemon(arguments.socket_dir, arguments.timeout, interrupt);
  const auto show = [&](const google::protobuf::Message& message, const std::string& name,
                        const std::string& text) {
    return ShowOne(arguments.format, message, name, text, streams.out);
  };
  if (arguments.verb == Verb::kDescribeHeap) {
    const auto heap = daemon.GetHeap(arguments.heap);
    if (!heap.ok()) return heap.status();
    return show(*heap, heap->name(), DescribeHeap(*heap));
  }
  if (arguments.verb == Verb::kDescribeAllocation) {
    const auto allocation = FindAllocation(daemon, arguments.allocation);
    if (!allocation.ok()) return allocation.status();
    return show(*allocation, allocation->name(), DescribeAllocation(*allocation));
  }
  if (arguments.verb == Verb::kDescribeReservation) {
    const auto reservation = daemon.GetReservation(arguments.reservation);
    if (!reservation.ok()) return reservation.status();
    return show(*reservation, reservation->name(), DescribeReservation(*reservation, absl::Now()));
  }
  const auto buffer = daemon.GetBuffer(arguments.buffer);
  if (!buffer.ok()) return buffer.status();
  return show(*buffer, buffer->name(), DescribeBuffer(*buffer, absl::Now()));
}

absl::StatusOr<int> Explain(const Arguments& arguments, Interrupt& interrupt,
                            const Streams& streams) {
  DaemonCalls daemon(arguments.socket_dir, arguments.timeout, interrupt);
  const auto diagnosis = arguments.all ? daemon.GetAnyDiagnosis(arguments.diagnosis)
                                       : daemon.GetDiagnosis(arguments.diagnosis);
  if (!diagnosis.ok()) return diagnosis.status();
  return ShowOne(arguments.format, *diagnosis, diagnosis->name(),
                 ExplainDiagnosis(*diagnosis, absl::Now()), streams.out);
}

absl::StatusOr<int> Version(const Arguments& arguments, const Streams& streams) {
  const auto client =
      Client::Connect({.socket_dir = arguments.socket_dir, .timeout = arguments.timeout});
  // What is known is told, also when the daemon is not there.
  const std::string daemon = client.ok() ? (*client)->server_version() : std::string();
  if (arguments.format == Format::kJson) {
    streams.out << "{\n \"library_version\": \"" << LibraryVersion() << "\",\n"
                << " \"daemon_version\": ";
    if (client.ok()) {
      streams.out << "\"" << daemon << "\"\n}\n";
    } else {
      streams.out << "null\n}\n";
    }
  } else if (arguments.format == Format::kName) {
    streams.out << LibraryVersion() << "\n";
    if (client.ok()) streams.out << daemon << "\n";
  } else {
    streams.out << PrintTable(
        {{{"NAME"}, {"VERSION"}}, {{"library", std::string(LibraryVersion())}, {"daemon", daemon}}},
        kTerminalColumns);
  }
  if (!client.ok()) return client.status();
  return kExitOk;
}

}  // namespace dmaheap::ctl
