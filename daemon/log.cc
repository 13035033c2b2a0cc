#include "daemon/log.h"

#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

struct LevelName {
  absl::string_view name;
  spdlog::level::level_enum level;
};

constexpr LevelName kLevels[] = {
    {"trace", spdlog::level::trace}, {"debug", spdlog::level::debug}, {"info", spdlog::level::info},
    {"warn", spdlog::level::warn},   {"error", spdlog::level::err},
};

absl::optional<spdlog::level::level_enum> FindLevel(absl::string_view name) {
  for (const LevelName& entry : kLevels) {
    if (entry.name == name) return entry.level;
  }
  return absl::nullopt;
}

absl::Status UnknownLevel(absl::string_view level) {
  return absl::InvalidArgumentError(absl::StrCat("log level \"", absl::CHexEscape(level),
                                                 "\" is none of trace, debug, info, warn, error"));
}

bool IsPlain(char c) {
  return absl::ascii_isgraph(static_cast<unsigned char>(c)) && c != '"' && c != '\\' && c != '=';
}

}  // namespace

absl::Status InitLog(absl::string_view level, absl::string_view process) {
  const auto known = FindLevel(level);
  if (!known.has_value()) return UnknownLevel(level);
  auto logger = std::make_shared<spdlog::logger>(std::string(process),
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  // %n is the name of the logger, which is that of the process.
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %n %v");
  logger->set_level(*known);
  // Standard error is where a crash is looked for: nothing may stay in a buffer.
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
  return absl::OkStatus();
}

absl::Status SetLogLevel(absl::string_view level) {
  const auto known = FindLevel(level);
  if (!known.has_value()) return UnknownLevel(level);
  spdlog::default_logger_raw()->set_level(*known);
  return absl::OkStatus();
}

absl::string_view GetLogLevel() {
  const auto level = spdlog::default_logger_raw()->level();
  for (const LevelName& entry : kLevels) {
    if (entry.level == level) return entry.name;
  }
  return "error";
}

std::string LogValue(absl::string_view text) {
  bool plain = !text.empty();
  for (const char c : text) plain = plain && IsPlain(c);
  if (plain) return std::string(text);
  return absl::StrCat("\"", absl::CHexEscape(text), "\"");
}

std::string LogStatus(const absl::Status& status) {
  return absl::StrCat("code=", absl::StatusCodeToString(status.code()),
                      " error=", LogValue(status.message()));
}

}  // namespace dmaheap
