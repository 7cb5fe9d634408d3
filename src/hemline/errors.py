"""The one exception of the project: stages and the CLI catch it to print it without a traceback."""


class BadInput(ValueError):  # noqa: N818  (it names what came in, as StopIteration names what happened)
    """Input that breaks a rule; the message gives the rule, what was found and what to do.

    >>> print(BadInput("an age lies between 16 and 99", found="203", fix="correct the export"))
    rule:  an age lies between 16 and 99
    found: 203
    fix:   correct the export
    """

    def __init__(self, rule: str, *, found: str, fix: str) -> None:
        super().__init__(f"rule:  {rule}\nfound: {found}\nfix:   {fix}")
        self.rule, self.found, self.fix = rule, found, fix
