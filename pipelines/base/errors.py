"""Every error a person can meet, grouped by who must act.

CandorError
├── SettingsError       fix the file or the environment
├── ContractError       fix the data at its source
├── GateRefused         read the verdict, nothing is broken
└── SourceUnavailable   wait; the only error worth a retry

A message says what must hold; what was got; what to do. It never carries a person's value: column, rule,
count and artifact only. Programming mistakes stay `ValueError` and `assert`.
"""


class CandorError(Exception):
    """Base of all errors that are shown without a traceback."""

    is_retryable = False


class SettingsError(CandorError):
    """A settings file or environment variable is missing or out of range."""


class ContractError(CandorError):
    """Data does not keep its contract."""


class GateRefused(CandorError):
    """A rule forbids the step. Nothing failed: the refusal is the result."""

    def __init__(self, message: str, *codes: str) -> None:
        """Say no.

        Args:
            message: What must hold; what was got; what to do.
            codes: The rules that said no, for the ledger.
        """
        super().__init__(message)
        self.codes = codes


class SourceUnavailable(CandorError):
    """Another system did not answer."""

    is_retryable = True
