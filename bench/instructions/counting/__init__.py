# SPDX-License-Identifier: LGPL-2.1-or-later
"""How the hot paths are counted, and the table that they are compared with."""
