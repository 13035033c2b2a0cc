"""@cloud_kernel: Debian's stock kernel for virtual machines, which third_party/fetch_cloud_kernel put
under ~/.cache/dmaheapd/cloud_kernel. The build only links it in and never downloads.
"""

def _impl(ctx):
    # ./dev sets DMAHEAPD_CACHE where HOME can not be written.
    cache = ctx.os.environ.get("DMAHEAPD_CACHE", ctx.os.environ.get("HOME", "/root") + "/.cache/dmaheapd")
    image = ctx.path(cache + "/cloud_kernel/vmlinuz")
    if not image.exists:
        fail("%s is missing. Run third_party/fetch_cloud_kernel (`./dev vm` and `./dev test` do)." % image)
    ctx.symlink(image, "vmlinuz")
    ctx.file("BUILD.bazel", "exports_files([\"vmlinuz\"], visibility = [\"//visibility:public\"])\n")

cloud_kernel = repository_rule(
    implementation = _impl,
    local = True,
    environ = ["DMAHEAPD_CACHE", "HOME"],
)
