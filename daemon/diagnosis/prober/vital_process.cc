#include "daemon/diagnosis/prober/vital_process.h"

#include <algorithm>
#include <iterator>

namespace dmaheap {
namespace {

// As the kernel cuts them (TASK_COMM_LEN).
constexpr absl::string_view kVital[] = {
    // init, wherever it runs, and what starts and stops services for it
    "init", "systemd", "openrc-init", "openrc", "runit", "runsvdir", "runsv", "s6-svscan",
    "s6-supervise", "supervisord", "dinit", "monit",
    // where services find each other
    "servicemanager", "hwservicemanage", "vndservicemanag", "dbus-daemon", "dbus-broker",
    "dbus-broker-lau",
    // loggers; who freezes them stops whoever writes to them
    "systemd-journal", "rsyslogd", "syslogd", "syslog-ng", "klogd", "metalog", "socklog", "svlogd",
    "multilog", "s6-log", "logd", "logcat", "dlt-daemon", "auditd", "tombstoned",
    // watchdogs
    "watchdogd", "watchdog", "lmkd"};

}  // namespace

bool IsVitalName(absl::string_view comm) {
  return std::find(std::begin(kVital), std::end(kVital), comm) != std::end(kVital);
}

}  // namespace dmaheap
