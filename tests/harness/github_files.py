"""What a runner of GitHub Actions reads from the files that a step appends to.

See `FileCommandManager` in https://github.com/actions/runner.
"""

from __future__ import annotations


def as_the_runner_reads(text: str) -> dict[str, str]:
    """The variables in such a file; what the runner would refuse raises `ValueError`."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, _, value = line.partition("=")
        elif heredoc > 0:
            name, _, end = line.partition("<<")
            if not end:
                raise ValueError(f"no delimiter in {line!r}")
            collected = []
            for inner in lines:
                if inner == end:
                    break
                collected.append(inner)
            else:
                raise ValueError(f"the delimiter {end!r} does not come again")
            value = "\n".join(collected)
        else:
            raise ValueError(f"neither a value nor a delimiter in {line!r}")
        found[name] = value
    return found
