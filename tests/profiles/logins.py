"""Roles that exporters log in as, besides the usual one."""

from __future__ import annotations

import string

from lab.aws.secrets import Login

#: Without pg_monitor.
BLIND = Login("blind_exporter", "See-nothing-1")
#: With a password of every printable character, spaces at both ends, and what templates and URLs would take apart.
HOSTILE = Login("hostile_exporter", f" p%40:/?#&+ \"é'\\{{{{ x }}}} {string.punctuation} ")
