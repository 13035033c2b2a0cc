"""@linux_source: the kernel's source as the distribution packs it.

The file in the repository is a link, so what depends on it is built anew when the package brings
another one, and only then. Unpacking is for the build to do: 1.5 GB would lie about otherwise.
"""

_TARBALL = "/usr/src/linux-source-6.12.tar.xz"

def _impl(ctx):
    tarball = ctx.path(_TARBALL)
    if not tarball.exists:
        fail("%s is missing: install linux-source-6.12. `./dev vm` and `./dev test` install all " %
             _TARBALL + "that third_party/vm_packages.txt lists.")
    ctx.symlink(tarball, "linux.tar.xz")
    ctx.file("BUILD.bazel", "exports_files([\"linux.tar.xz\"])\n")

linux_source = repository_rule(
    implementation = _impl,
    local = True,  # looked at anew at each server start, never fetched
)
