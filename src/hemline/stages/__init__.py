"""DVC's stages. Importing the package limits the process to instructions that processors share.

This has to happen before a stage imports numpy or torch; nothing else imports a stage.
"""

from hemline import processor

processor.pin()
