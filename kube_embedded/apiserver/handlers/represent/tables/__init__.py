"""What ``kubectl get`` shows: the columns and rows of each kind, printed by the server.

Source: kubernetes ``pkg/printers/internalversion``; KEP-515 (server-side printing).
"""
