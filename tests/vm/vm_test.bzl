"""vm_test: a GoogleTest program that runs in the virtual machine, with dmaheapd beside it.

One boot serves all its cases. Manual, as a wildcard must not build a kernel: `./dev test vm` and
`./dev test` ask for what is tagged vm, in release, as a sanitizer's program would be another one.
"""

def vm_test(name, program, files = [], cma = None, mem = None, smp = None, append = None, kernel = None, options = [], alone = False, size = "medium", **kwargs):
    """A sh_test of program.

    Args:
      name: of the test.
      program: a cc_binary with gtest_main (not a cc_test, whose libraries lie about in a tree).
      files: what else it needs in the guest's PATH.
      cma: size of the area, as `./dev vm --cma`.
      mem: MiB of memory.
      smp: number of processors.
      append: for the kernel's command line.
      kernel: another one than ours.
      options: more of `./dev vm`.
      alone: nothing else of the suite may run meanwhile: for what measures times, or needs both of
        two processors at once.
      size: of the test.
      **kwargs: for the sh_test.
    """
    words = []
    for option, value in [("cma", cma), ("mem", mem), ("smp", smp), ("append", append)]:
        if value != None:
            words.append("'--%s=%s'" % (option, value))
    words += ["'%s'" % option for option in options]
    if kernel:
        words.append("--kernel=$(rootpath %s)" % kernel)
    words += ["--file=$(rootpath %s)" % file for file in files]
    native.sh_test(
        name = name,
        size = size,
        srcs = ["//tests/vm:guest_test.py"],
        args = words + ["--", "$(rootpath %s)" % program],
        data = files + ([kernel] if kernel else []) + [
            program,
            "//tests/vm",
        ],
        tags = kwargs.pop("tags", []) + (["exclusive"] if alone else []) + [
            "manual",
            "vm",
        ],
        **kwargs
    )
