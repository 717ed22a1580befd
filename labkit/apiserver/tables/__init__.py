"""What ``kubectl get`` shows: the columns and rows of each kind, printed by the server.

Source: kubernetes ``pkg/printers/internalversion``; KEP-515 (server-side printing).
"""

from labkit.apiserver.tables.model import Column, Printer, Table
from labkit.apiserver.tables.registry import printer_of
from labkit.apiserver.tables.render import render_table

__all__ = ["Column", "Printer", "Table", "printer_of", "render_table"]
