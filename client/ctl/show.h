// Puts an answer on standard output in the format that was asked for.

#ifndef CLIENT_CTL_SHOW_H_
#define CLIENT_CTL_SHOW_H_

#include <functional>
#include <ostream>
#include <string>

#include "absl/status/statusor.h"
#include "client/ctl/arguments.h"
#include "client/ctl/json_text.h"
#include "client/ctl/table.h"
#include "google/protobuf/message.h"

namespace dmaheap::ctl {

// names: what -o name prints. table: for table (80 columns) and wide (as wide as it is).
absl::StatusOr<int> ShowTable(Format format, const google::protobuf::Message& message,
                              JsonFields json_fields, const std::string& names,
                              const std::function<Table(bool wide)>& table, std::ostream& out);

// One thing: text for table and wide.
absl::StatusOr<int> ShowOne(Format format, const google::protobuf::Message& message,
                            const std::string& name, const std::string& text, std::ostream& out);

// The names of the elements of list, one a line.
template <typename List>
std::string NamesOf(const List& list) {
  std::string names;
  for (const auto& element : list) names += element.name() + "\n";
  return names;
}

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_SHOW_H_
