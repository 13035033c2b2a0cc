#include "client/ctl/progress_display.h"

#include <algorithm>
#include <utility>

#include "client/ctl/progress_text.h"

namespace dmaheap::ctl {
namespace {

constexpr std::chrono::seconds kPeriod(1);

}  // namespace

ProgressDisplay::ProgressDisplay(std::ostream& err, size_t columns, Now now)
    : err_(err), columns_(columns), now_(std::move(now)) {}

ProgressDisplay::~ProgressDisplay() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    end_ = true;
  }
  ends_.notify_all();
  if (ticker_.joinable()) ticker_.join();
  if (drawn_ > 0) err_ << "\r" << std::string(drawn_, ' ') << "\r" << std::flush;
}

void ProgressDisplay::Show(const AllocationProgress& progress) {
  std::lock_guard<std::mutex> lock(mutex_);
  last_ = progress;
  told_ = now_();
  if (columns_ == 0) return PrintLine();
  Draw();
  if (!ticker_.joinable()) ticker_ = std::thread([this] { Tick(); });
}

void ProgressDisplay::Draw() {
  std::string text = ProgressText(*last_, absl::FromChrono(now_() - told_));
  // The last column stays free: a terminal may go to the next line once that is written.
  const size_t room = columns_ - 1;
  if (text.size() > room) {
    text.resize(room);
    if (room > 0) text.back() = '~';
  }
  const size_t length = text.size();
  // Blanks and not a sequence that erases, which not every terminal knows.
  text.resize(std::max(length, drawn_), ' ');
  drawn_ = length;
  err_ << "\r" << text << std::flush;
}

void ProgressDisplay::PrintLine() {
  const bool recent = printed_.has_value() && told_ - printed_at_ < kPeriod;
  if (recent && printed_ == last_->obstacle) return;
  printed_ = last_->obstacle;
  printed_at_ = told_;
  err_ << "dmaheapctl: " << ProgressText(*last_, absl::ZeroDuration()) << std::endl;
}

void ProgressDisplay::Tick() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!ends_.wait_for(lock, kPeriod, [this] { return end_; })) Draw();
}

}  // namespace dmaheap::ctl
