#!/usr/bin/python3
"""Checks BUILD files for the order that buildifier gives them, and one idea to a library.

usage: check_build_files.py [--fix] FILE...

 - load() statements come first, ordered by file;
 - of a rule's attributes name is the first, deps near the last, the rest by the alphabet;
 - lists of labels are sorted: files, then :targets, //targets, @targets; no label twice;
 - a cc_library has at most one header and one source, of the same name if it has both.

buildifier is in no Debian package; this is the part of it that reviews would otherwise be about.
Prints FILE:LINE: what is wrong. Exit code 1 if anything is. --fix first sorts the lists that have one
label a line.
"""

import ast
import os
import sys

# From buildifier's tables; every other attribute stands between them, by its name.
FIRST = ["name", "size", "timeout", "testonly", "src", "srcs", "out", "outs", "hdrs"]
LAST = ["exports", "runtime_deps", "deps", "implementation_deps", "alwayslink"]

SORTED_LISTS = {"data", "deps", "hdrs", "runtime_deps", "srcs", "tools", "visibility"}

# A header that is shown to the outside as a whole may have its sources in libraries of their own.
NAMES_MAY_DIFFER = {"client/BUILD.bazel"}


def attribute_key(name):
    if name in FIRST:
        return (0, FIRST.index(name), name)
    if name in LAST:
        return (2, LAST.index(name), name)
    return (1, 0, name)


def label_key(label):
    phase = {":": 1, "/": 2, "@": 3}.get(label[:1], 0)
    return (phase, label.replace(":", ".").split("."), label)


def literal_lists(node):
    """The list literals in a value, also those added up or inside select()."""
    if isinstance(node, ast.List):
        yield node
    elif isinstance(node, ast.BinOp):
        yield from literal_lists(node.left)
        yield from literal_lists(node.right)
    elif isinstance(node, ast.Call):
        for argument in node.args:
            if isinstance(argument, ast.Dict):
                for value in argument.values:
                    yield from literal_lists(value)


def strings_of(node):
    return [e.value for e in node.elts
            if isinstance(e, ast.Constant) and isinstance(e.value, str)]


def called_name(node):
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return getattr(node.value.func, "id", "")
    return ""


def check_loads(tree):
    is_head = True
    files = []
    for node in tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a comment of the whole file
        if called_name(node) != "load":
            is_head = False
            continue
        if not is_head:
            yield node.lineno, "load() stands above everything else"
        files.append((node.lineno, node.value.args[0].value))
    for (_, before), (line, file) in zip(files, files[1:]):
        if label_key(file) < label_key(before):
            yield line, f'load("{file}") stands before load("{before}")'


def check_attributes(call):
    names = [k.arg for k in call.keywords if k.arg]
    for before, name in zip(names, names[1:]):
        if attribute_key(name) < attribute_key(before):
            line = next(k.value.lineno for k in call.keywords if k.arg == name)
            yield line, f"{name} stands before {before}"


def check_lists(call):
    for keyword in call.keywords:
        if keyword.arg not in SORTED_LISTS:
            continue
        for node in literal_lists(keyword.value):
            strings = strings_of(node)
            for before, label in zip(strings, strings[1:]):
                if label == before:
                    yield node.lineno, f'{keyword.arg}: "{label}" is listed twice'
                elif label_key(label) < label_key(before):
                    yield node.lineno, f'{keyword.arg}: "{label}" stands before "{before}"'


def check_one_idea(path, call):
    files = {"hdrs": [], "srcs": []}
    for keyword in call.keywords:
        if keyword.arg in files:
            for node in literal_lists(keyword.value):
                files[keyword.arg] += [s for s in strings_of(node) if not s.startswith(":")]
    for attribute, listed in files.items():
        if len(listed) > 1:
            yield call.lineno, (f"{attribute} has {len(listed)} files; one cc_library for each "
                                "pair of header and source")
    stems = {os.path.splitext(f)[0] for listed in files.values() for f in listed}
    if len(stems) > 1 and all(len(f) == 1 for f in files.values()) and \
            not any(path.endswith(p) for p in NAMES_MAY_DIFFER):
        yield call.lineno, f"header and source have different names: {' and '.join(sorted(stems))}"


def check_file(path, text):
    """(line, what is wrong) of one BUILD file. Starlark's BUILD dialect is a subset of Python's."""
    try:
        tree = ast.parse(text, path)
    except SyntaxError as error:
        return [(error.lineno or 1, f"can not be read: {error.msg}")]
    problems = list(check_loads(tree))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or getattr(node.func, "id", "") in ("load", "glob"):
            continue
        problems += check_attributes(node)
        problems += check_lists(node)
        if getattr(node.func, "id", "") == "cc_library":
            problems += check_one_idea(path, node)
    return sorted(problems)


def with_sorted_lists(text):
    """The text with its lists of labels sorted, each label once; a comment goes with its line."""
    lines = text.splitlines(keepends=True)
    doubled = set()
    for call in ast.walk(ast.parse(text)):
        if not isinstance(call, ast.Call):
            continue
        for keyword in call.keywords:
            for node in literal_lists(keyword.value) if keyword.arg in SORTED_LISTS else ():
                numbers = [e.lineno for e in node.elts]
                labels = strings_of(node)
                is_one_a_line = (len(labels) == len(numbers) and len(set(numbers)) == len(numbers)
                                 and all(n not in (node.lineno, node.end_lineno) for n in numbers)
                                 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
                                 ) if numbers else False
                if not is_one_a_line:
                    continue
                by_label = sorted((label_key(label), lines[n - 1])
                                  for label, n in zip(labels, numbers))
                for n, (_, line) in zip(numbers, by_label):
                    lines[n - 1] = line
                doubled.update(n for n, before, now in zip(numbers[1:], by_label, by_label[1:])
                               if before[0] == now[0])
    return "".join(line for n, line in enumerate(lines, 1) if n not in doubled)


def main(args, out=sys.stdout):
    is_right = True
    is_fix = args[:1] == ["--fix"]
    for path in args[is_fix:]:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if is_fix:
            try:
                fixed = with_sorted_lists(text)
            except SyntaxError:
                fixed = text
            if fixed != text:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(fixed)
            text = fixed
        for line, what in check_file(path, text):
            print(f"{path}:{line}: {what}", file=out)
            is_right = False
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
