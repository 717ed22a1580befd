"""What becomes of results.

- ``result_store``              signed, so that an interrupted session resumes
- ``scores``, ``gradebooks``    files for learners and for teachers' systems
- ``overrides``                 what a teacher decided by hand
- ``overview``, ``similarity``  a class on one page; which notebooks are too much alike
"""
