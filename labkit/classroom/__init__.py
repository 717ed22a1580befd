"""A class from one laptop: questions that a room answers twice, and a board with each learner's progress.

- ``serving``    starts the server, prints its address with a QR code, and ends it in order
- ``server``     the pages and the API of a class
- ``board``      the data of the board and of the room's page
- ``store``      the class in SQLite
- ``limits``     the limits for each client, and the refusals
- ``connections`` the limits for connections, before a request is there
- ``questions``  the questions: of steps, of parts, of the drill, the teacher's own
- ``joining``    a learner's lab in a class: sends outcomes

The pages are in ``static``.
"""
