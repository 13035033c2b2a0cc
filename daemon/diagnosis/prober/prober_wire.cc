#include "daemon/diagnosis/prober/prober_wire.h"

#include <algorithm>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace dmaheap {
namespace {

constexpr size_t kPayloadBytes = kMaxProberDatagramBytes - sizeof(ProberReplyHeader);

template <typename Record>
void AppendParts(const ProberReplyHeader& model, ProberRecordKind kind,
                 const std::vector<Record>& records, std::vector<std::string>& parts) {
  constexpr size_t kPerPart = kPayloadBytes / sizeof(Record);
  for (size_t begin = 0; begin < records.size(); begin += kPerPart) {
    ProberReplyHeader header = model;
    header.kind = static_cast<uint32_t>(kind);
    header.count = static_cast<uint32_t>(std::min(kPerPart, records.size() - begin));
    std::string& part = parts.emplace_back(sizeof(header) + header.count * sizeof(Record), '\0');
    memcpy(part.data(), &header, sizeof(header));
    memcpy(part.data() + sizeof(header), records.data() + begin, header.count * sizeof(Record));
  }
}

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("prober message: ", what));
}

template <typename Record>
absl::Status TakeRecords(absl::string_view bytes, uint32_t count, std::vector<Record>& records) {
  if (count > kPayloadBytes / sizeof(Record) || bytes.size() != count * sizeof(Record)) {
    return Malformed(
        absl::StrCat(count, " records of ", sizeof(Record), " bytes in ", bytes.size(), " bytes"));
  }
  records.resize(count);
  if (count > 0) memcpy(records.data(), bytes.data(), bytes.size());
  return absl::OkStatus();
}

void EndTexts(ProcessRecord& process) {
  process.name[sizeof(process.name) - 1] = '\0';
  process.cgroup[sizeof(process.cgroup) - 1] = '\0';
  process.executable[sizeof(process.executable) - 1] = '\0';
}

}  // namespace

absl::StatusOr<std::string> EncodeProberRequest(ProberOp op, uint64_t sequence,
                                                absl::string_view name) {
  ProberRequest request;
  request.op = static_cast<uint32_t>(op);
  request.sequence = sequence;
  if (name.size() >= sizeof(request.name)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "name of ", name.size(), " bytes; a prober request takes ", sizeof(request.name) - 1));
  }
  if (name.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError("name with a NUL byte in a prober request");
  }
  std::copy(name.begin(), name.end(), request.name);
  return std::string(reinterpret_cast<const char*>(&request), sizeof(request));
}

absl::StatusOr<ProberRequest> DecodeProberRequest(absl::string_view bytes) {
  ProberRequest request;
  if (bytes.size() != sizeof(request)) {
    return Malformed(absl::StrCat("a request of ", bytes.size(), " bytes"));
  }
  memcpy(&request, bytes.data(), sizeof(request));
  if (request.version != kProberWireVersion) {
    return Malformed(absl::StrCat("version ", request.version));
  }
  const char* end = std::find(std::begin(request.name), std::end(request.name), '\0');
  if (std::any_of(end, static_cast<const char*>(std::end(request.name)),
                  [](char c) { return c != '\0'; }) ||
      end == std::end(request.name)) {
    return Malformed("a name that does not end, or goes on behind its end");
  }
  return request;
}

std::vector<std::string> EncodeProberReply(const ProberReply& reply) {
  ProberReplyHeader model;
  model.op = static_cast<uint32_t>(reply.op);
  model.sequence = reply.sequence;
  model.flags = reply.flags & ~kProberLast;
  model.source = static_cast<uint32_t>(reply.source);
  model.error_number = reply.error_number;
  std::vector<std::string> parts;
  if (reply.error_number == 0) {
    AppendParts(model, ProberRecordKind::kBuffer, reply.buffers, parts);
    AppendParts(model, ProberRecordKind::kHolder, reply.holders, parts);
    AppendParts(model, ProberRecordKind::kArea, reply.areas, parts);
    AppendParts(model, ProberRecordKind::kRun, reply.runs, parts);
    AppendParts(model, ProberRecordKind::kMember, reply.members, parts);
    AppendParts(model, ProberRecordKind::kFrame, reply.frames, parts);
    AppendParts(model, ProberRecordKind::kMapper, reply.mappers, parts);
    AppendParts(model, ProberRecordKind::kPinner, reply.pinners, parts);
    AppendParts(model, ProberRecordKind::kAttempt, reply.attempts, parts);
    AppendParts(model, ProberRecordKind::kSource, reply.sources, parts);
    AppendParts(model, ProberRecordKind::kLog, reply.logs, parts);
    AppendParts(model, ProberRecordKind::kLoggedFailure, reply.logged_failures, parts);
  }
  if (parts.empty()) parts.emplace_back(reinterpret_cast<const char*>(&model), sizeof(model));
  for (size_t i = 0; i < parts.size(); ++i) {
    ProberReplyHeader header;
    memcpy(&header, parts[i].data(), sizeof(header));
    header.part = static_cast<uint32_t>(i);
    if (i + 1 == parts.size()) header.flags |= kProberLast;
    memcpy(parts[i].data(), &header, sizeof(header));
  }
  return parts;
}

std::string EncodePageReleased(uint64_t sequence) {
  ProberReplyHeader header;
  header.op = static_cast<uint32_t>(ProberOp::kWatchPage);
  header.sequence = sequence;
  header.flags = kProberLast | kProberPageReleased;
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header));
}

absl::StatusOr<ProberReplyPart> DecodeProberReply(absl::string_view bytes) {
  ProberReplyPart part;
  if (bytes.size() < sizeof(part.header) || bytes.size() > kMaxProberDatagramBytes) {
    return Malformed(absl::StrCat("a reply of ", bytes.size(), " bytes"));
  }
  memcpy(&part.header, bytes.data(), sizeof(part.header));
  bytes.remove_prefix(sizeof(part.header));
  if (part.header.version != kProberWireVersion) {
    return Malformed(absl::StrCat("version ", part.header.version));
  }
  if (part.header.error_number < 0) return Malformed("an errno below 0");
  if (part.header.error_number != 0 && part.header.count != 0) {
    return Malformed("records of a request that failed");
  }
  absl::Status taken = absl::OkStatus();
  switch (static_cast<ProberRecordKind>(part.header.kind)) {
    case ProberRecordKind::kNone:
      if (part.header.count != 0 || !bytes.empty()) taken = Malformed("records of no kind");
      break;
    case ProberRecordKind::kBuffer:
      taken = TakeRecords(bytes, part.header.count, part.buffers);
      break;
    case ProberRecordKind::kHolder:
      taken = TakeRecords(bytes, part.header.count, part.holders);
      break;
    case ProberRecordKind::kArea:
      taken = TakeRecords(bytes, part.header.count, part.areas);
      break;
    case ProberRecordKind::kRun:
      taken = TakeRecords(bytes, part.header.count, part.runs);
      break;
    case ProberRecordKind::kMember:
      taken = TakeRecords(bytes, part.header.count, part.members);
      break;
    case ProberRecordKind::kFrame:
      taken = TakeRecords(bytes, part.header.count, part.frames);
      break;
    case ProberRecordKind::kMapper:
      taken = TakeRecords(bytes, part.header.count, part.mappers);
      break;
    case ProberRecordKind::kPinner:
      taken = TakeRecords(bytes, part.header.count, part.pinners);
      break;
    case ProberRecordKind::kAttempt:
      taken = TakeRecords(bytes, part.header.count, part.attempts);
      break;
    case ProberRecordKind::kSource:
      taken = TakeRecords(bytes, part.header.count, part.sources);
      break;
    case ProberRecordKind::kLog:
      taken = TakeRecords(bytes, part.header.count, part.logs);
      break;
    case ProberRecordKind::kLoggedFailure:
      taken = TakeRecords(bytes, part.header.count, part.logged_failures);
      break;
    default:
      taken = Malformed(absl::StrCat("records of kind ", part.header.kind));
  }
  if (!taken.ok()) return taken;
  for (BufferRecord& record : part.buffers) {
    record.exporter[sizeof(record.exporter) - 1] = '\0';
    record.name[sizeof(record.name) - 1] = '\0';
  }
  for (MapperRecord& record : part.mappers) {
    EndTexts(record.process);
    record.path[sizeof(record.path) - 1] = '\0';
  }
  for (PinnerRecord& record : part.pinners) EndTexts(record.process);
  for (LoggedFailureRecord& record : part.logged_failures) {
    record.area[sizeof(record.area) - 1] = '\0';
  }
  return part;
}

void AppendRecords(ProberReplyPart part, ProberReplyPart& whole) {
  whole.header = part.header;
  const auto append = [&](auto member) {
    auto& from = part.*member;
    auto& to = whole.*member;
    to.insert(to.end(), from.begin(), from.end());
  };
  append(&ProberReplyPart::buffers);
  append(&ProberReplyPart::holders);
  append(&ProberReplyPart::areas);
  append(&ProberReplyPart::runs);
  append(&ProberReplyPart::members);
  append(&ProberReplyPart::frames);
  append(&ProberReplyPart::mappers);
  append(&ProberReplyPart::pinners);
  append(&ProberReplyPart::attempts);
  append(&ProberReplyPart::sources);
  append(&ProberReplyPart::logs);
  append(&ProberReplyPart::logged_failures);
}

}  // namespace dmaheap
