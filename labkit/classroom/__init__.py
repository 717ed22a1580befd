"""A class from one laptop: questions that a room answers twice, and a board of how far each learner is.

- ``serving``    listens, says where, with a QR code, and ends in order
- ``server``     the pages and the API of a class
- ``board``      what the teacher and the room see, as plain data
- ``store``      what a class keeps, in SQLite
- ``limits``     how much one client may ask for, and what is refused
- ``questions``  what can be asked: steps, recall questions, the drill, the teacher's own
- ``joining``    a learner's lab in a class: what it sends, and when

The pages are in ``static``.
"""
