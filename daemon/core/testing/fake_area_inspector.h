// An area inspector that answers when a test says so.

#ifndef DAEMON_CORE_TESTING_FAKE_AREA_INSPECTOR_H_
#define DAEMON_CORE_TESTING_FAKE_AREA_INSPECTOR_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/core/area_inspector.h"
#include "heaps/cma_area.h"

namespace dmaheap {

class FakeAreaInspector : public AreaInspector {
 public:
  bool ReadFreeList(const std::string& area, OnFreeList on_free_list) override {
    if (!there) return false;
    asked.push_back(area);
    questions_.push_back(std::move(on_free_list));
    return true;
  }

  bool ReadLog(OnLog on_log) override {
    if (!has_log) return false;
    ++log_asked;
    log_questions_.push_back(std::move(on_log));
    return true;
  }

  // The oldest question; inside a task.
  void Answer(absl::StatusOr<CmaFreeList> list) {
    OnFreeList question = std::move(questions_.front());
    questions_.erase(questions_.begin());
    question(std::move(list));
  }
  void AnswerLog(absl::StatusOr<FailureLog> log) {
    OnLog question = std::move(log_questions_.front());
    log_questions_.erase(log_questions_.begin());
    question(std::move(log));
  }
  // The oldest question is never answered.
  void Forget() { questions_.erase(questions_.begin()); }
  size_t pending() const { return questions_.size(); }

  // Whether anybody can be asked.
  bool there = false;
  std::vector<std::string> asked;
  // The same for the log.
  bool has_log = false;
  int log_asked = 0;

 private:
  std::vector<OnLog> log_questions_;
  std::vector<OnFreeList> questions_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_TESTING_FAKE_AREA_INSPECTOR_H_
