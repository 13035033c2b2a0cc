#include "tests/vm/tools/area_filler.h"

#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/vm/tools/heap_buffers.h"

namespace dmaheap {
namespace {

class AreaFiller final : public Trouble {
 public:
  AreaFiller(int64_t buffer_bytes, bool leaves_gaps)
      : buffer_bytes_(buffer_bytes), leaves_gaps_(leaves_gaps) {}

  TroubleLabel label() const override {
    return {leaves_gaps_ ? "FRAGMENTED" : "EXHAUSTED", TroubleLabel::kNone};
  }

  absl::StatusOr<std::string> Begin() override {
    absl::StatusOr<HeapBuffers> buffers = HeapBuffers::Open("reserved");
    if (!buffers.ok()) return buffers.status();
    buffers_ = *std::move(buffers);
    // First fit: they come to lie in a row.
    const absl::StatusOr<int64_t> got =
        buffers_->Hold(buffer_bytes_, std::numeric_limits<int64_t>::max());
    if (!got.ok()) return got.status();
    if (*got < 2) return absl::UnavailableError("the area has no room for two buffers");
    if (leaves_gaps_) buffers_->ReleaseEverySecond();
    return absl::StrCat("buffers=", leaves_gaps_ ? (*got + 1) / 2 : *got,
                        " largest_free_pages=", leaves_gaps_ ? buffer_bytes_ / 4096 : 0);
  }

  absl::StatusOr<std::string> End() override {
    buffers_.reset();
    return std::string();
  }

 private:
  const int64_t buffer_bytes_;
  const bool leaves_gaps_;
  std::optional<HeapBuffers> buffers_;
};

}  // namespace

Settings AreaFillerDefaults() {
  // The largest alignment of this kernel's areas (CMA_ALIGNMENT is 8: 256 pages), so no buffer
  // leaves a gap by itself.
  return {{"kib", 1024}};
}

std::unique_ptr<Trouble> MakeFullArea(const Settings& settings) {
  return std::make_unique<AreaFiller>(settings.at("kib") * 1024, /*leaves_gaps=*/false);
}

std::unique_ptr<Trouble> MakeFragmentedArea(const Settings& settings) {
  return std::make_unique<AreaFiller>(settings.at("kib") * 1024, /*leaves_gaps=*/true);
}

}  // namespace dmaheap
