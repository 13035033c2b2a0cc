#include "tests/vm/tools/no_migration_target.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/vm/tools/area_pages.h"
#include "tests/vm/tools/memory_hold.h"

namespace dmaheap {
namespace {

constexpr int64_t kPageBytes = 4096;

class NoMigrationTarget final : public Trouble {
 public:
  explicit NoMigrationTarget(const Settings& settings)
      : pages_(static_cast<size_t>(settings.at("pages"))),
        leave_bytes_(settings.at("leave_mib") << 20) {}

  TroubleLabel label() const override { return {"NO_MIGRATION_TARGET", TroubleLabel::kNone}; }

  absl::StatusOr<std::string> Begin() override {
    const absl::StatusOr<AreaFrames> area = ReadAreaFrames();
    if (!area.ok()) return area.status();
    absl::StatusOr<PlacedPages> placed =
        PlacePagesInArea(*area, {.at_least = pages_, .enough = pages_});
    if (!placed.ok()) return placed.status();
    placed_ = *std::move(placed);
    // What is free in the area takes no unmovable memory, and is of no use to its own pages.
    const int64_t free_inside =
        static_cast<int64_t>(area->pages - placed_.inside.size()) * kPageBytes;
    hold_ = std::make_unique<MemoryHold>(leave_bytes_ + free_inside);
    const absl::StatusOr<std::string> held = hold_->Begin();
    if (!held.ok()) return held.status();
    return absl::StrCat("pages=", placed_.inside.size(), " ", *held);
  }

  absl::StatusOr<std::string> End() override {
    placed_ = PlacedPages();
    return hold_->End();
  }

 private:
  const size_t pages_;
  const int64_t leave_bytes_;
  PlacedPages placed_;
  std::unique_ptr<MemoryHold> hold_;
};

}  // namespace

Settings NoMigrationTargetDefaults() { return {{"pages", 8192}, {"leave_mib", 8}}; }

std::unique_ptr<Trouble> MakeNoMigrationTarget(const Settings& settings) {
  return std::make_unique<NoMigrationTarget>(settings);
}

}  // namespace dmaheap
