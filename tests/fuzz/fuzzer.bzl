"""fuzzer: one property of a parser, looked for by libFuzzer and kept by an ordinary test.

`./dev fuzz` runs the first; `./dev test` runs the second, on every input in the tree. So a finding,
once its input is in the corpus, can not come back unseen, and nobody needs clang for that.
"""

def fuzzer(name, srcs, deps = [], corpus = None, dict = None):
    """A program NAME_fuzzer for --config=fuzz, and a test NAME_corpus_test.

    Args:
      name: what is fuzzed.
      srcs: with LLVMFuzzerTestOneInput.
      deps: of srcs.
      corpus: the inputs. corpus/NAME/ where it is not given.
      dict: words of the format, for libFuzzer (https://llvm.org/docs/LibFuzzer.html#dictionaries).
        dict/NAME.dict where it is not given and there is one.
    """
    if corpus == None:
        corpus = native.glob(["corpus/%s/*" % name])
    if dict == None:
        dicts = native.glob(["dict/%s.dict" % name])
    else:
        dicts = [dict]
    native.cc_binary(
        name = name + "_fuzzer",
        testonly = True,
        srcs = srcs,
        data = corpus + dicts,
        linkopts = ["-fsanitize=fuzzer"],
        tags = [
            "fuzzer",
            "manual",
        ],
        deps = deps,
    )
    native.cc_test(
        name = name + "_corpus_test",
        size = "small",
        srcs = srcs,
        args = ["$(rootpath %s)" % file for file in corpus],
        data = corpus,
        deps = deps + [":corpus_test_main"],
    )
