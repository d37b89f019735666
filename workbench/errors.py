"""The errors a user meets. Each message says where, what was wanted, what was got and what to do."""


class WorkbenchError(Exception):
    """A failure with a message fit to be shown without a traceback; `exit_code` is the process's."""

    exit_code = 1


class BadInput(WorkbenchError):
    """The user's config, file or argument is wrong."""

    exit_code = 2


class Unavailable(WorkbenchError):
    """A resource of the outside world (network, disk, index) could not be had; trying again may help."""


class Preempted(WorkbenchError):
    """The run was asked to stop, saved what it had, and continues when the same command is typed again."""

    exit_code = 75
