"""Stores results, and writes reports of them.

- ``result_store``              stores them signed, so that an interrupted session resumes
- ``scores``, ``gradebooks``    files for learners and for teachers' systems
- ``overrides``                 a teacher's corrections by hand
- ``overview``, ``rows``        a class on one page, and the rows of its tables
- ``similarity``                notebooks that are too much alike
"""
