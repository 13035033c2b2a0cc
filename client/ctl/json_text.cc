#include "client/ctl/json_text.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"

namespace dmaheap::ctl {

absl::StatusOr<std::string> JsonText(const google::protobuf::Message& message, JsonFields fields) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = fields == JsonFields::kWhole;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (!status.ok()) {
    return absl::InternalError(absl::StrCat("can not write ", message.GetTypeName(),
                                            " as JSON: ", std::string(status.message())));
  }
  return text;
}

}  // namespace dmaheap::ctl
