"""The process in which one target is attacked: `python -m tests.fuzz.harness TARGET [libFuzzer's words]`.

Its environment is that of `make fuzz` (`infra.setup.fuzzing`): the fuzzer is nowhere else. Only Python code tells it
where it has been.
"""

import sys

import atheris

with atheris.instrument_imports(include=["pipelines", "pypdf", "striprtf", "docx", "zipfile", "csv", "json"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Attack until libFuzzer ends the process."""
    target = TARGETS[sys.argv[1]]

    def once(data: bytes) -> None:
        target.attack(data)

    atheris.Setup([sys.argv[0], *sys.argv[2:]], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
