#include "client/ctl/show.h"

#include "absl/strings/str_cat.h"
#include "client/ctl/exit_code.h"

namespace dmaheap::ctl {

absl::StatusOr<int> ShowTable(Format format, const google::protobuf::Message& message,
                              JsonFields json_fields, const std::string& names,
                              const std::function<Table(bool wide)>& table, std::ostream& out) {
  switch (format) {
    case Format::kJson: {
      absl::StatusOr<std::string> text = JsonText(message, json_fields);
      if (!text.ok()) return text.status();
      out << *text;
      break;
    }
    case Format::kName:
      out << names;
      break;
    case Format::kTable:
      out << PrintTable(table(/*wide=*/false), kTerminalColumns);
      break;
    case Format::kWide:
      out << PrintTable(table(/*wide=*/true), 0);
      break;
  }
  return kExitOk;
}

absl::StatusOr<int> ShowOne(Format format, const google::protobuf::Message& message,
                            const std::string& name, const std::string& text, std::ostream& out) {
  if (format == Format::kJson) {
    absl::StatusOr<std::string> json = JsonText(message, JsonFields::kWhole);
    if (!json.ok()) return json.status();
    out << *json;
  } else {
    out << (format == Format::kName ? absl::StrCat(name, "\n") : text);
  }
  return kExitOk;
}

}  // namespace dmaheap::ctl
