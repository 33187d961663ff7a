"""Small changes to the core, one at a time, and whether a test notices: `make mutants`.

A test suite is as good as what it notices. Here modules of the engine are changed in one spot (a comparison, a constant, a
statement that is left out, arguments in another order), a seeded sample of these changes is tried against the tests of the
module and those around it, and what nobody notices is printed: either a test is missing, or the change changes nothing.
Changes of the second kind stand in explained.toml, with the reason.

    modules.py      the modules, where they stand, and the tests that are tried
    making.py       all changes of a source text
    sampling.py     which of them are tried, and which are explained
    running.py      one process and one copy of the tree for each change
"""
